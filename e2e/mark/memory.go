package mark

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Memory reads what the process can read of itself and returns the first piece
// that matches.
func Memory(t *testing.T, pid int, what *regexp.Regexp) (first string) {
	t.Helper()
	EachPiece(t, pid, func(memory []byte) {
		// The search for plain text is a hundred times faster.
		if first != "" || !bytes.Contains(memory, []byte(markEnd)) && !bytes.Contains(memory, []byte(Witness)) {
			return
		}
		if i := what.FindIndex(memory); i != nil {
			first = string(memory[max(0, i[0]-40):min(len(memory), i[1]+40)])
		}
	})
	return first
}

// EachPiece calls look with all that the process can read of itself, piece by piece. Each
// overlaps the next by 64 bytes.
func EachPiece(t *testing.T, pid int, look func(memory []byte)) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	const piece, overlap = 4 << 20, 64
	buf := make([]byte, piece+overlap)
	read := 0
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); err != nil || rights[0] != 'r' ||
			strings.Contains(line, "[v") {
			continue
		}
		for at := from; at < to; at += piece {
			n, _ := mem.ReadAt(buf[:min(piece+overlap, to-at)], at)
			read += n
			look(buf[:n])
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of the process could be read", read)
	}
}
