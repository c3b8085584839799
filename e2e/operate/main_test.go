// Package operate tests all that an operator does: TLS, proxies, buckets, renewal, doctor, the manual.
package operate

import (
	"os"
	"testing"

	"temoin/e2e/box"
)

func TestMain(m *testing.M) { os.Exit(box.Main(m)) }
