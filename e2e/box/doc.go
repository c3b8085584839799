// Package box has a box as an operator runs it: the two programs, a coordinator's key, a store, a vault; and what a
// witness sends and a coordinator opens.
package box
