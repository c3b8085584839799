package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstFD is where systemd puts the sockets that it opened. See
// sd_listen_fds(3).
const firstFD = 3

// activated returns the sockets that systemd opened for the box, if it did.
func activated() (ls []net.Listener, err error) {
	pid, err := strconv.Atoi(os.Getenv("LISTEN_PID"))
	n, errN := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || errN != nil || pid != os.Getpid() || n == 0 {
		return nil, nil
	}
	for i := range n {
		l, err := adopt(uintptr(firstFD + i))
		if err != nil {
			return nil, fmt.Errorf("socket %d of systemd: %w", i+1, err)
		}
		ls = append(ls, l)
	}
	return ls, nil
}

// adopt makes a listener of a socket that another process, or process image,
// opened.
func adopt(fd uintptr) (net.Listener, error) {
	f := os.NewFile(fd, "socket")
	defer f.Close()
	return net.FileListener(f)
}
