package main

// Main is the program, for the scripts.
var Main = main

// NewOutbox makes an outbox, and Drain waits for it.
var (
	NewOutbox = newOutbox
	Drain     = (*outbox).drain
)
