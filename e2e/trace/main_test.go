// Package trace tests what a box leaves of the people who write to it: nothing.
package trace

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
