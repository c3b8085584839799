// Package run starts programs, waits for them and ends them, and looks at them from outside: their files, their memory
// and their children.
package run
