// Package mark sends requests that are full of marked words from a known address, and looks for both in all that a box
// leaves behind: files, open files, memory, system calls.
package mark
