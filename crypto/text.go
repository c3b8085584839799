package crypto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxText is the most that [Text] reads, in bytes.
const MaxText = 1 << 20

// Byte order marks, which editors put at the beginning of a text.
var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// Text returns the text of a file that people edit (keys, recipients, settings)
// as the programs want it: without a byte order mark, UTF-16 made into UTF-8,
// zero bytes at the end cut off. PowerShell 5.1 writes UTF-16 when output goes
// into a file by ">", Notepad writes byte order marks. A text that has none of
// this comes back as it is, in whatever encoding its comments are.
//
// UTF-16 that breaks off or has half a character, a mark for UTF-8 before
// something else, zero bytes within the text and more than [MaxText] bytes are
// errors; no error repeats what was read, which may be a secret key.
func Text(file []byte) ([]byte, error) {
	if len(file) > MaxText {
		return nil, errors.New("the file is too long")
	}
	b, err := fromUTF16(file)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimRight(b, "\x00")
	if bytes.HasPrefix(b, bomUTF8) && !utf8.Valid(b) {
		return nil, errors.New("the file begins like UTF-8 and is not: save it as UTF-8")
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return nil, errors.New("this is no text: there are zero bytes in it")
	}
	return withoutMarks(b), nil
}

// fromUTF16 makes UTF-16 into UTF-8 and leaves everything else alone. Text of
// ours begins with ASCII, so a zero byte beside the first character tells UTF-16
// that has lost its mark.
func fromUTF16(b []byte) ([]byte, error) {
	if len(b) < 2 {
		return b, nil
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, bomUTF16LE), b[0] != 0 && b[1] == 0:
		order = binary.LittleEndian
	case bytes.HasPrefix(b, bomUTF16BE), b[0] == 0 && b[1] != 0:
		order = binary.BigEndian
	default:
		return b, nil
	}
	if len(b)%2 != 0 {
		return nil, errors.New("the file is UTF-16 and breaks off in a character: save it as UTF-8")
	}
	units := make([]uint16, 0, len(b)/2)
	for pair := range slices.Chunk(b, 2) {
		units = append(units, order.Uint16(pair))
	}
	out := make([]byte, 0, len(b)/2)
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			if i++; i == len(units) {
				return nil, errHalf
			}
			if r = utf16.DecodeRune(r, rune(units[i])); r == utf8.RuneError {
				return nil, errHalf
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

var errHalf = errors.New("the file is UTF-16 with half a character: save it as UTF-8")

// withoutMarks removes byte order marks from the beginning of each line: files
// that were put together from several have them further down, too.
func withoutMarks(b []byte) []byte {
	if !bytes.Contains(b, bomUTF8) {
		return b
	}
	var out []byte
	for line := range bytes.Lines(b) {
		for bytes.HasPrefix(line, bomUTF8) {
			line = line[len(bomUTF8):]
		}
		out = append(out, line...)
	}
	return out
}
