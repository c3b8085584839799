package profile

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
)

// levelDB returns what a file of Chromium's LevelDB holds: the records of a
// journal, or the keys and values of a table. For other files it returns nothing.
func levelDB(path string, data []byte) [][]byte {
	switch filepath.Ext(path) {
	case ".log":
		return journal(data)
	case ".ldb", ".sst":
		return table(data)
	}
	return nil
}

// journal joins records that go on from one block of 32 KiB to the next.
func journal(data []byte) (all [][]byte) {
	var record []byte
	for from := 0; from < len(data); from += 32 << 10 {
		block := data[from:min(from+32<<10, len(data))]
		for len(block) >= 7 {
			size, kind := int(binary.LittleEndian.Uint16(block[4:])), block[6]
			if size > len(block)-7 {
				break
			}
			record = append(record, block[7:7+size]...)
			block = block[7+size:]
			if kind == 1 || kind == 4 { // whole, or the last piece
				all, record = append(all, record), nil
			}
		}
	}
	return append(all, record)
}

// table goes from the end to the index, and from there to the blocks.
func table(data []byte) (all [][]byte) {
	if len(data) < 48 || !bytes.HasSuffix(data, []byte("\x57\xfb\x80\x8b\x24\x75\x47\xdb")) {
		return nil
	}
	foot := data[len(data)-48:]
	for range 2 { // another index lies before
		_, n := binary.Uvarint(foot)
		foot = foot[max(n, 0):]
	}
	for _, handle := range entries(block(data, foot)) {
		for _, e := range entries(block(data, handle[1])) {
			all = append(all, e[0], e[1])
		}
	}
	return all
}

// block reads one by its place and size, and unpacks it.
func block(data, handle []byte) []byte {
	from, n := binary.Uvarint(handle)
	size, _ := binary.Uvarint(handle[max(n, 0):])
	if end := from + size; end < from || end >= uint64(len(data)) {
		return nil
	}
	plain := data[from : from+size]
	if data[from+size] == 1 {
		plain, _ = unSnappy(plain)
	}
	return plain
}

// entries are the keys and values of a block. A key leaves out what it has in
// common with the one before.
func entries(block []byte) (all [][2][]byte) {
	if len(block) < 4 {
		return nil
	}
	tail := 4 * (1 + int(binary.LittleEndian.Uint32(block[len(block)-4:])))
	if tail < 0 || tail > len(block) {
		return nil
	}
	var key []byte
	for block = block[:len(block)-tail]; len(block) > 0; {
		var field [3]int // in common, own, value
		for i := range field {
			v, n := binary.Uvarint(block)
			field[i], block = int(v), block[max(n, 0):]
		}
		if min(field[0], field[1], field[2]) < 0 || field[0] > len(key) || field[1] > len(block) ||
			field[2] > len(block)-field[1] {
			return all
		}
		key = append(bytes.Clone(key[:field[0]]), block[:field[1]]...)
		all = append(all, [2][]byte{key, block[field[1] : field[1]+field[2]]})
		block = block[field[1]+field[2]:]
	}
	return all
}
