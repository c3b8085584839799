package run

import (
	"os"
	"path/filepath"
)

// Repo is the path of a file of the project.
func Repo(elem ...string) string {
	dir, err := os.Getwd() // of the package that is tested
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "e2e", "go.mod")); err == nil {
			return filepath.Join(append([]string{dir}, elem...)...)
		}
		if dir == filepath.Dir(dir) {
			panic("not in a folder of the project")
		}
		dir = filepath.Dir(dir)
	}
}
