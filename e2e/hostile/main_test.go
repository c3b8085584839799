package hostile

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
