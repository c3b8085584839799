// Package form tests the form of the box as browsers without scripts and curl send it.
package form

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
