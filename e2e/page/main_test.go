// Package page tests the witness's page with its scripts, in all browsers.
package page

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
