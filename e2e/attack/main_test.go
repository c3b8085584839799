// Package attack does to a box what attackers without key, account or address can do, and
// looks at what others get meanwhile.
package attack

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
