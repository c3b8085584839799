// Command web makes what the page's script needs, server/web/dist, from
// server/web/src:
//
//	cd server/web/src && npm ci --ignore-scripts && cd ../../../tools && go run ./web
//
// Every file directly in src, such as seal.ts, becomes one script of its own,
// minified, gzipped, and named for its content. page.ts comes last and knows the
// names of the others. With -check nothing is written, and what differs from
// dist is an error. With -test DIR the scripts of src/test go to DIR, for tests,
// and the workers beside them, each as NAME.js; vectors.mjs runs them in Node.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

const (
	src  = "../server/web/src"
	dist = "../server/web/dist"
)

func main() {
	check := flag.Bool("check", false, "compare with dist, write nothing")
	test := flag.String("test", "", "write the scripts of src/test and the workers to `DIR`")
	flag.Parse()
	err := error(nil)
	if *test != "" {
		err = buildTests(*test)
	} else {
		err = run(*check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	built, err := build()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(built)) {
		fmt.Printf("%7d  %7d gzipped  %s\n", len(built[name]), len(pack(built[name])), name)
	}
	if check {
		return compare(built)
	}
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	for name, script := range built {
		if err := os.WriteFile(filepath.Join(dist, name+".gz"), pack(script), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// build returns all scripts by their names.
func build() (map[string][]byte, error) {
	entries, err := workers()
	if err != nil {
		return nil, err
	}
	built, names := map[string][]byte{}, map[string]string{}
	add := func(entry string, defines map[string]string) error {
		script, err := bundle(entry, defines)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(script)
		names[baseOf(entry)] = baseOf(entry) + "-" + hex.EncodeToString(sum[:8]) + ".js"
		built[names[baseOf(entry)]] = script
		return nil
	}
	for _, e := range entries {
		if err := add(e, nil); err != nil {
			return nil, err
		}
	}
	known, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	return built, add(filepath.Join(src, "page.ts"), map[string]string{"WORKERS": string(known)})
}

// workers returns the sources of all scripts but the page's own.
func workers() ([]string, error) {
	entries, err := filepath.Glob(src + "/*.ts")
	return slices.DeleteFunc(entries, func(e string) bool {
		return filepath.Base(e) == "page.ts" || strings.HasSuffix(e, ".d.ts")
	}), err
}

func baseOf(entry string) string { return strings.TrimSuffix(filepath.Base(entry), ".ts") }

func bundle(entry string, defines map[string]string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		EntryPoints:       []string{entry},
		Bundle:            true,
		Write:             false,
		Format:            api.FormatIIFE,
		Platform:          api.PlatformBrowser,
		Target:            api.ES2018,
		Supported:         map[string]bool{"bigint": true}, // the curves need it; a browser without it gets the form
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone,
		TreeShaking:       api.TreeShakingTrue,
		Define:            defines,
		LogLevel:          api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return nil, fmt.Errorf("%s does not build; is npm ci done?", entry)
	}
	return result.OutputFiles[0].Contents, nil
}

func buildTests(dir string) error {
	entries, err := filepath.Glob(src + "/test/*.ts")
	if err != nil || len(entries) == 0 {
		return errors.Join(err, errors.New("no scripts in src/test"))
	}
	beside, err := workers()
	if err != nil {
		return err
	}
	for _, e := range append(entries, beside...) {
		script, err := bundle(e, nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, baseOf(e)+".js"), script, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func pack(script []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(script)
	w.Close()
	return b.Bytes()
}

// compare compares the scripts unpacked: the same script can be another gzip file
// with another version of Go.
func compare(built map[string][]byte) error {
	left, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	var wrong []error
	for _, f := range left {
		name := strings.TrimSuffix(f.Name(), ".gz")
		script, err := unpack(filepath.Join(dist, f.Name()))
		if err != nil || !bytes.Equal(script, built[name]) {
			wrong = append(wrong, fmt.Errorf("dist/%s is not what src makes: go run ./web", f.Name()))
		}
		delete(built, name)
	}
	for name := range built {
		wrong = append(wrong, fmt.Errorf("dist/%s.gz is missing: go run ./web", name))
	}
	return errors.Join(wrong...)
}

func unpack(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
