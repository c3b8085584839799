package main

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A pipe that is too small for what is carried over fails the renewal, and does not
// block the box.
func TestSmallPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	raw.Control(func(fd uintptr) { size, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 4096) })
	if err != nil {
		t.Fatal(err)
	}
	if err := carry(w, bytes.Repeat([]byte("x"), size)); err != nil {
		t.Errorf("what fits: %v", err)
	}
	if err := carry(w, []byte("y")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("what does not fit: %v", err)
	}
}
