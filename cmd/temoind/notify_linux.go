package main

import (
	"os"
	"strconv"
	"sync"
	"syscall"
)

// notifyEnv tells a fresh process image which file descriptor leads to systemd.
const notifyEnv = "TEMOIN_NOTIFY"

// notify tells systemd how the box is, if systemd asked to know: READY=1,
// RELOADING=1, STOPPING=1. See sd_notify(3).
func notify(state string) {
	if fd := toSystemd(); fd >= 0 {
		syscall.Write(fd, []byte(state))
	}
}

// toSystemd is the socket over which systemd hears how the box is, or -1. A confined box
// can open none, so it is opened before, once, and stays open in all process images.
var toSystemd = sync.OnceValue(func() int {
	if fd, err := strconv.Atoi(os.Getenv(notifyEnv)); err == nil {
		return fd
	}
	fd, err := dialSystemd(os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return -1 // nobody asked, or nothing listens there
	}
	os.Setenv(notifyEnv, strconv.Itoa(fd))
	return fd
})

// dialSystemd connects to a socket with a path, or to an abstract one, which has none
// and begins with @. No exec closes it.
func dialSystemd(path string) (int, error) {
	if path == "" {
		return -1, syscall.EINVAL
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return -1, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}
