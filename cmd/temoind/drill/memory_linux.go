package drill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Memory is read in pieces. Each overlaps the next by more than what is looked for.
const (
	memoryPiece   = 1 << 20
	memoryOverlap = 256
)

// memory reads all of the memory of the process, piece by piece, with what each belongs
// to. Where the process replaces itself meanwhile, or gives memory back, it reads all of it
// again, after begin.
func (p process) memory(ctx context.Context, begin func(), look func(kind string, piece []byte)) (read int64, err error) {
	for range 5 {
		begin()
		var before, after string
		if before, err = p.image(); err != nil {
			return 0, err
		}
		read, err = p.readMemory(ctx, look)
		if after, _ = p.image(); before != after {
			err = errors.New("the box replaces itself again and again")
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, os.ErrPermission) {
			break
		}
	}
	return read, err
}

// image tells one process image from the next: exec keeps the number of the process and
// moves its stack.
func (p process) image() (stack string, err error) {
	err = eachLine(p.file("maps"), func(f []string) {
		if f[len(f)-1] == "[stack]" {
			_, stack, _ = strings.Cut(f[0], "-") // the upper end: the lower one moves as the stack grows
		}
	})
	return stack, err
}

func (p process) readMemory(ctx context.Context, look func(kind string, piece []byte)) (read int64, err error) {
	mem, err := os.Open(p.file("mem"))
	if err != nil {
		return 0, err
	}
	defer mem.Close()
	page := int64(os.Getpagesize())
	var lost int64
	buf, unused := make([]byte, memoryPiece+memoryOverlap), make([]byte, memoryPiece+memoryOverlap)
	errMaps := eachLine(p.file("maps"), func(f []string) {
		from, to, kind, ok := region(f)
		for ok && from < to && ctx.Err() == nil {
			want := min(int64(len(buf)), to-from)
			n, _ := io.ReadFull(io.NewSectionReader(mem, from, want), buf[:want])
			if !bytes.Equal(buf[:n], unused[:n]) { // much of it was never written
				look(kind, buf[:n])
			}
			switch {
			case int64(n) < want: // the page behind it cannot be read
				lost += page
				read += int64(n)
				from = (from + int64(n) + page) / page * page
			case want > memoryPiece:
				read += memoryPiece
				from += memoryPiece
			default:
				read += want
				from = to
			}
		}
	})
	if lost > 0 {
		err = fmt.Errorf("%d KiB of its memory cannot be read", lost>>10)
	}
	return read, errors.Join(err, errMaps, ctx.Err())
}

// region reads a line of /proc/PID/maps. It leaves out what the kernel lends to every
// process, and what the process itself cannot read: it never wrote there.
func region(f []string) (from, to int64, kind string, ok bool) {
	if len(f) < 5 || f[1][0] != 'r' {
		return 0, 0, "", false
	}
	kind = "memory"
	if len(f) > 5 {
		kind = "memory: " + strings.Join(f[5:], " ")
	}
	if strings.HasPrefix(kind, "memory: [v") {
		return 0, 0, "", false
	}
	_, err := fmt.Sscanf(f[0], "%x-%x", &from, &to)
	return from, to, kind, err == nil
}
