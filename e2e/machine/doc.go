// Package machine is a Debian of its own for the operator's tests, and what docs/operate.md says to type into it.
package machine
