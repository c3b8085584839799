package server

import (
	"net"
	"syscall"
)

const receiveBuffer = 16 << 10 // at first: it grows while a handler reads what comes

// Of socket(7), since Linux 5.14: which sizes the kernel leaves as they were set.
const (
	soBufLock  = 72
	lockedSend = 1
)

// boundBuffers bounds the buffers of the kernel of the connections that a listener will accept. An older
// kernel cannot let a buffer grow whose size was set, so that one for receiving is as always.
func boundBuffers(l net.Listener) {
	s, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		set := func(option, n int) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, n) }
		set(syscall.SO_SNDBUF, sendBuffer)
		if _, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, soBufLock); err == nil {
			set(syscall.SO_RCVBUF, receiveBuffer)
			set(soBufLock, lockedSend)
		}
	})
}
