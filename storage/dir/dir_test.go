package dir_test

import (
	"path/filepath"
	"testing"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

func open(t *testing.T) *dir.Store {
	t.Helper()
	s, err := dir.New(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t) })
}

func TestConformanceWithNamedFiles(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		s := open(t)
		dir.SetPlain(s)
		return s
	})
}

func TestConformanceBehindFaulty(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return storagetest.NewFaulty(open(t)) })
}
