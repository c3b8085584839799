package dir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const scheme = "dir:"

// Address returns how a store in the folder path is written: dir:PATH.
func Address(path string) string { return scheme + path }

// Path returns the folder of a store that is written as dir:PATH. Ok is false for
// stores of other kinds.
func Path(address string) (path string, ok bool) { return strings.CutPrefix(address, scheme) }

// Expand returns a path in which a leading ~ stands for the home folder of the
// person who runs the program: no shell does that for "dir:~/store", nor for a
// line in a file. It refuses "~name", which would be a folder of that name here.
func Expand(path string) (string, error) {
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	rest := path[1:]
	if rest != "" && !os.IsPathSeparator(rest[0]) {
		return "", fmt.Errorf("storage/dir: %q: only ~ and ~/… stand for a home folder: write the whole path, or ./ before a folder of that name", path)
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", errors.New("storage/dir: ~ stands for no folder, because HOME is not set: write the whole path")
	}
	return filepath.Join(home, rest), nil
}
