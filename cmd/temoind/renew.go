//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// renewedEnv tells a fresh process image that it is one, and which file
// descriptors it takes over: "STATE SOCKET...".
const renewedEnv = "TEMOIN_RENEWED"

// pipeSize is what fits into a pipe while nobody reads. See pipe(7).
const pipeSize = 64 << 10

// renew replaces the process image. It returns only if that failed.
func renew(ls []net.Listener, c carried) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if len(text) > pipeSize {
		return errors.New("there is too much to carry over")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	if err := carry(w, text); err != nil {
		return err
	}
	files := []*os.File{r}
	for _, l := range ls {
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			return err
		}
		defer f.Close()
		files = append(files, f)
	}
	var fds []string
	for _, f := range files {
		fd, err := survive(f)
		if err != nil {
			return err
		}
		fds = append(fds, strconv.Itoa(int(fd)))
	}
	env := append(os.Environ(), renewedEnv+"="+strings.Join(fds, " "))
	return syscall.Exec("/proc/self/exe", os.Args, env)
}

// carry writes what is carried over into a pipe that nobody reads yet. A pipe can be
// smaller than [pipeSize]: Linux gives a user who has many of them pipes of two pages.
// Then the error comes after a second, and the write does not block for ever.
func carry(w *os.File, text []byte) error {
	if err := w.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err := w.Write(text)
	return err
}

// survive keeps a file open in the next process image. It does not use Fd, which sets
// blocking mode: the listener shares the open file description, and would block too.
func survive(f *os.File) (fd uintptr, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	errControl := raw.Control(func(n uintptr) {
		fd = n
		_, err = unix.FcntlInt(n, unix.F_SETFD, 0)
	})
	return fd, errors.Join(errControl, err)
}

// inherit takes over what the process image before this one left, or nil.
func inherit() (*inherited, error) {
	value := os.Getenv(renewedEnv)
	if value == "" {
		return nil, nil
	}
	os.Unsetenv(renewedEnv)
	var fds []uintptr
	for _, field := range strings.Fields(value) {
		fd, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", renewedEnv, err)
		}
		fds = append(fds, uintptr(fd))
	}
	if len(fds) < 2 {
		return nil, fmt.Errorf("%s names %d files", renewedEnv, len(fds))
	}
	pipe := os.NewFile(fds[0], "state")
	defer pipe.Close()
	// The pipe's other end was closed with the old image.
	text, err := io.ReadAll(pipe)
	if err != nil {
		return nil, err
	}
	i := &inherited{state: new(carried)}
	if err := json.Unmarshal(text, i.state); err != nil {
		return nil, fmt.Errorf("the state of the box: %w", err)
	}
	for _, fd := range fds[1:] {
		l, err := adopt(fd)
		if err != nil {
			return nil, fmt.Errorf("a socket of the box: %w", err)
		}
		if u, ok := l.(*net.UnixListener); ok && os.Getenv("LISTEN_FDS") == "" {
			u.SetUnlinkOnClose(true) // at the end of the box its socket goes
		}
		i.listeners = append(i.listeners, l)
	}
	return i, nil
}
