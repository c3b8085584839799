package temoin_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestScriptsImportInNoCircle: no module of the page's scripts imports itself,
// through however many others. In a circle the order of the bundle decides which
// constant is there when it is read, and no module of it can be read, moved or
// tested without the others.
func TestScriptsImportInNoCircle(t *testing.T) {
	imports, unknown := scriptImports(t, os.DirFS("server/web/src"))
	for _, u := range unknown {
		t.Errorf("server/web/src/%s, which is not there", u)
	}
	if c := circle(imports); c != nil {
		t.Errorf("server/web/src: a circle of imports: %s", strings.Join(c, " → "))
	}
	edges := 0
	for _, to := range imports {
		edges += len(to)
	}
	if len(imports) < 60 || edges < 200 {
		t.Errorf("only %d imports in %d modules were found", edges, len(imports))
	}
}

// Imports are found in all the ways that TypeScript has, types and exports too,
// which the bundler drops.
func TestCirclesAreFound(t *testing.T) {
	for _, way := range []string{
		`import { a } from './b/c';`,
		`import type { A } from "./b/c";`,
		"import {\n  a,\n  type A,\n} from './b/c';",
		`export { a } from './b/c';`,
		`export * from './b/c';`,
		`import './b/c';`,
		`const a = await import('./b/c');`,
		`type A = import('./b/c').A;`,
	} {
		files := fstest.MapFS{
			"a.ts":   {Data: []byte("import { d } from './d';\n" + way)},
			"b/c.ts": {Data: []byte("import { a } from '../a';\n")},
			"d.ts":   {Data: []byte("import { e } from '@noble/hashes/sha2.js';\nimport { f } from './node_modules/f/f.js';\n")},
		}
		imports, unknown := scriptImports(t, files)
		if got := strings.Join(circle(imports), " "); got != "a.ts b/c.ts a.ts" || len(unknown) > 0 {
			t.Errorf("%s: %s, %v", way, got, unknown)
		}
		files["b/c.ts"].Data = nil
		if imports, _ = scriptImports(t, files); circle(imports) != nil {
			t.Errorf("%s: a circle where there is none", way)
		}
	}
}

// scriptName is a module of ours as another one names it. A string that begins
// like this is nothing else, so no form of import is overlooked.
var scriptName = regexp.MustCompile("['\"`](\\.\\.?/[^'\"`\\s]+)['\"`]")

// scriptImports returns what each module imports of ours, and what is no module.
func scriptImports(t *testing.T, src fs.FS) (imports map[string][]string, unknown []string) {
	t.Helper()
	imports = map[string][]string{}
	err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "node_modules":
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".ts":
			return nil
		}
		text, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		imports[name] = nil
		for _, m := range scriptName.FindAllStringSubmatch(string(text), -1) {
			to := path.Join(path.Dir(name), m[1])
			if strings.HasPrefix(to, "node_modules/") {
				continue
			}
			if to += ".ts"; !slices.Contains(imports[name], to) {
				imports[name] = append(imports[name], to)
			}
			if _, err := fs.Stat(src, to); err != nil {
				unknown = append(unknown, name+" imports "+to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports, unknown
}

// circle returns modules each of which imports the next one, the last being the
// first again, or nil.
func circle(imports map[string][]string) []string {
	left := maps.Clone(imports)
	inCircle := func(name string) bool { _, ok := left[name]; return ok }
	for more := true; more; { // take away what imports nothing that is left
		more = false
		for name, to := range left {
			if !slices.ContainsFunc(to, inCircle) {
				delete(left, name)
				more = true
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	way := []string{slices.Min(slices.Collect(maps.Keys(left)))}
	for { // each imports another one that is left, so some module comes twice
		last := left[way[len(way)-1]]
		next := last[slices.IndexFunc(last, inCircle)]
		if i := slices.Index(way, next); i >= 0 {
			return append(way[i:], next)
		}
		way = append(way, next)
	}
}
