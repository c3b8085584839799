package drill

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// keyMarks are how keys begin that open drops: age's own, those of plugins, and files with
// a passphrase, as temoin keygen makes them.
var keyMarks = []string{"AGE-SECRET-KEY-", "AGE-PLUGIN-", "-----BEGIN AGE ENCRYPTED FILE-----", "\n-> scrypt "}

// mostOfFile is how much of a file is looked at for keys.
const mostOfFile = 1 << 20

// secrets is the row about keys that would open drops: in the files of the settings, in
// those beside them, and in what the process of the box was started with.
func (d *drill) secrets() {
	const row = "settings"
	l := &keySearch{}
	files := []string{d.config, d.Recipients, d.TLSCert, d.TLSKey, d.OnionHostnameFile, d.S3AccessKeyFile, d.S3SecretKeyFile}
	for _, f := range slices.Clone(files[:2]) {
		if f != "" {
			files = append(files, l.beside(f)...)
		}
	}
	for _, f := range files {
		if f != "" {
			l.file(f)
		}
	}
	l.process(d)
	switch {
	case l.found != nil:
		d.found(row, "find out whose it is and how it came here; that coordinator makes a new key, and what was sent to the old one counts as read",
			"what can open drops, or looks so, in %s", strings.Join(l.found, ", "))
	case l.missed != nil:
		d.blind(row, asRoot, "found nowhere, but not all was looked at: %s", oneLine(errors.Join(l.missed...)))
	default:
		d.ok(row, "not found: no key that opens drops, in %d files and in the environment of the box", l.files)
	}
}

// keySearch looks for keys.
type keySearch struct {
	found  []string
	missed []error
	files  int
}

// beside returns the regular files in the folder of a file.
func (l *keySearch) beside(file string) (files []string) {
	folder := filepath.Dir(file)
	entries, err := os.ReadDir(folder)
	if err != nil {
		l.missed = append(l.missed, err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	return files
}

func (l *keySearch) file(path string) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var text []byte
		text, err = io.ReadAll(io.LimitReader(f, mostOfFile))
		l.text(path, text)
	}
	switch {
	case err == nil:
		l.files++
	case !errors.Is(err, fs.ErrNotExist):
		l.missed = append(l.missed, err)
	}
}

func (l *keySearch) text(name string, text []byte) {
	text = bytes.ToUpper(bytes.ReplaceAll(text, []byte{0}, nil)) // also in UTF-16
	for _, s := range keyMarks {
		if bytes.Contains(text, []byte(strings.ToUpper(s))) && !slices.Contains(l.found, name) {
			l.found = append(l.found, name)
		}
	}
}

// process looks at what the process of the box was started with.
func (l *keySearch) process(d *drill) {
	if d.hidden != nil {
		l.missed = append(l.missed, fmt.Errorf("the environment of the box: %w", d.hidden))
		return
	}
	env, err := d.box.environment()
	line, errLine := d.box.commandLine()
	if err := errors.Join(err, errLine); err != nil {
		l.missed = append(l.missed, err)
	}
	for name, value := range env {
		l.text("the environment of the box, "+name, []byte(value))
	}
	l.text("the command line of the box", line)
}
