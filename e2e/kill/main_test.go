// Package kill tests what kill -9 and full disks lose: nothing that was acknowledged.
package kill

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
