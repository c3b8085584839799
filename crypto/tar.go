package crypto

import (
	"bytes"
	"fmt"
	"strconv"
)

// The inside of every object is a ustar archive with one possible spelling: entries
// of type 0, then padding, then the end marker. The reader writes each header again
// from name and size and compares the bytes: otherwise an archive could be one thing
// here and another to the program tar (a parser differential).

const (
	blockSize  = 512
	endMarker  = 2 * blockSize
	maxEntries = 512
)

// blocks rounds n up to whole tar blocks.
func blocks(n int) int { return (n + blockSize - 1) &^ (blockSize - 1) }

// entrySize returns what an entry with n bytes of data takes in an archive.
func entrySize(n int) int { return blockSize + blocks(n) }

// putHeader writes the header of an entry into b, which has 512 bytes. The
// type is '0' for a file and 'g' for padding; names have 1 to 99 bytes.
func putHeader(b []byte, typ byte, name string, size int) {
	clear(b[:blockSize])
	copy(b, name)
	copy(b[100:], "0000600\x000000000\x000000000\x00")
	putOctal(b[124:135], size)
	copy(b[136:], "00000000000\x00        ") // mtime; in the checksum its own field counts as spaces
	b[156] = typ
	copy(b[257:], "ustar\x0000")
	copy(b[329:], "0000000\x000000000\x00")
	sum := 0
	for _, c := range b[:blockSize] {
		sum += int(c)
	}
	putOctal(b[148:154], sum)
	b[154] = 0
}

func putOctal(b []byte, v int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = '0' + byte(v&7)
		v >>= 3
	}
}

// padding describes the end of an archive, after its last entry: perhaps a global
// header with one comment record, then the end marker, then zeros.
type padding struct {
	record int // length of the comment record, 0 if there is none
	tail   int // zero bytes after the end marker
}

// padFor splits what an archive of the given size has left after used bytes. GNU tar
// does not notice when a file is cut behind the end marker: so no more than 1,023
// zeros stand there, and longer padding goes in front of it, as a comment record.
func padFor(capacity, used int) padding {
	gap := capacity - used - endMarker
	if gap < 2*blockSize {
		return padding{tail: gap}
	}
	record := (gap - blockSize) &^ (blockSize - 1)
	return padding{record: record, tail: gap - blockSize - record}
}

const padName = "pad"

// head returns how the comment record begins; letters a and one LF follow.
func (p padding) head() string { return strconv.Itoa(p.record) + " comment=" }

// entry is a file inside an archive.
type entry struct {
	name string
	data []byte
}

// parseTar reads an archive in the only spelling that there is. The data of the
// entries are slices of b.
func parseTar(b []byte) ([]entry, error) {
	var (
		entries []entry
		head    [blockSize]byte
		off     int
	)
	for {
		if len(b)-off < endMarker {
			return nil, fmt.Errorf("%w: no end of archive", ErrMalformed)
		}
		h := b[off : off+blockSize]
		if h[0] == 0 || h[156] == 'g' {
			break
		}
		name, size, err := readHeader(h)
		if err != nil {
			return nil, err
		}
		putHeader(head[:], '0', name, size)
		if !bytes.Equal(h, head[:]) {
			return nil, fmt.Errorf("%w: entry %d is not a plain ustar file", ErrMalformed, len(entries)+1)
		}
		if len(entries) == maxEntries || size > len(b)-off-blockSize {
			return nil, fmt.Errorf("%w: entry %d does not fit", ErrMalformed, len(entries)+1)
		}
		end := off + blockSize + size
		if off += entrySize(size); off > len(b) || !allZero(b[end:off]) {
			return nil, fmt.Errorf("%w: entry %d is not padded with zeros", ErrMalformed, len(entries)+1)
		}
		entries = append(entries, entry{name, b[end-size : end : end]})
	}
	if err := checkPadding(b, off); err != nil {
		return nil, err
	}
	return entries, nil
}

func readHeader(h []byte) (name string, size int, err error) {
	n := bytes.IndexByte(h[:100], 0)
	if n < 1 {
		return "", 0, fmt.Errorf("%w: entry without a name", ErrMalformed)
	}
	for _, c := range h[124:135] {
		if c < '0' || c > '7' {
			return "", 0, fmt.Errorf("%w: size is not octal", ErrMalformed)
		}
		size = size<<3 | int(c-'0')
		if size > LargeObject {
			return "", 0, fmt.Errorf("%w: entry does not fit", ErrMalformed)
		}
	}
	return string(h[:n]), size, nil
}

// checkPadding checks everything from off to the end of the archive b.
func checkPadding(b []byte, off int) error {
	p := padFor(len(b), off)
	if p.record > 0 {
		var head [blockSize]byte
		putHeader(head[:], 'g', padName, p.record)
		if !bytes.Equal(b[off:off+blockSize], head[:]) {
			return fmt.Errorf("%w: wrong padding header", ErrMalformed)
		}
		rec := b[off+blockSize : off+blockSize+p.record]
		letters, ok := bytes.CutPrefix(rec, []byte(p.head()))
		if !ok || letters[len(letters)-1] != '\n' || len(bytes.Trim(letters[:len(letters)-1], "a")) != 0 {
			return fmt.Errorf("%w: wrong padding record", ErrMalformed)
		}
		off += blockSize + p.record
	}
	if !allZero(b[off:]) {
		return fmt.Errorf("%w: data after the end of the archive", ErrMalformed)
	}
	return nil
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
