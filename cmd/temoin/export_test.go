package main

// Main is the program, for the scripts.
var Main = main

// Execute runs a command until it ends, or is interrupted.
var Execute = execute

// NewOutbox makes an outbox, and Drain waits for it.
var (
	NewOutbox = newOutbox
	Drain     = (*outbox).drain
)

// WriteNew makes a file; Fsync is what it syncs with.
var (
	WriteNew = writeNew
	Fsync    = &fsync
)

// MainOfTests is Main for scripts, in which no day passes.
func MainOfTests() {
	leastDays = 0
	Main()
}
