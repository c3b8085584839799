// Package scrub tests what the cleaned copies of media still tell, judged by other programs; and the page against Go.
package scrub

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
