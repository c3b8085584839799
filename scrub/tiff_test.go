package scrub_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"temoin/scrub"
)

// exifOf makes an Exif block of one directory, of which every entry is a pointer to
// itself, and which is the next directory as well.
func exifOf(entries int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08")
	b = binary.BigEndian.AppendUint16(b, uint16(entries))
	for range entries {
		b = append(b, "\x87\x69\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08"...)
	}
	return append(b, 0, 0, 0, 8)
}

// The directories of a hostile block cost no more than to read them once or twice,
// wherever they point.
func TestExifIsReadOnce(t *testing.T) {
	const entries = 5100
	b := exifOf(entries)
	if n := scrub.ExifEntries(b); n > 3*entries {
		t.Errorf("%d entries were looked at in a block of %d", n, entries)
	}
	in := append([]byte("\xff\xd8\xff\xe1"), byte((len(b)+8)>>8), byte(len(b)+8))
	in = append(append(append(in, "Exif\x00\x00"...), b...), "\xff\xda\x00\x02\x01\xff\xd9"...)
	laws(t, in)
	if out, rep := clean(t, in); bytes.Contains(out, b[:40]) {
		t.Errorf("it stays: %v", rep)
	}
}
