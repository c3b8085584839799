// Package tor is a Tor network in a network namespace that leads nowhere, and a box behind it.
package tor
