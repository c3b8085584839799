package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// notify tells systemd how the box is, if systemd asked to know: READY=1,
// RELOADING=1, STOPPING=1. See sd_notify(3).
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' { // a name without a file
		path = "\x00" + path[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return // nobody is there to be told
	}
	defer c.Close()
	c.Write([]byte(state))
}

// firstFD is where systemd puts the sockets that it opened. See
// sd_listen_fds(3).
const firstFD = 3

// activated returns the socket that systemd opened for the box, or nil.
func activated() (net.Listener, error) {
	pid, err := strconv.Atoi(os.Getenv("LISTEN_PID"))
	n, errN := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || errN != nil || pid != os.Getpid() || n == 0 {
		return nil, nil
	}
	if n != 1 {
		return nil, fmt.Errorf("systemd hands over %d sockets; the box listens on one", n)
	}
	f := os.NewFile(firstFD, "socket of systemd")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the socket of systemd: %w", err)
	}
	return l, nil
}
