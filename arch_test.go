package temoin_test

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// may is the policy of the tree: what a package of ours may import of ours.
// Arrows point downwards only, and server and inbox never meet. A package that
// is not listed here may not exist; a new line needs its reason in the commit.
var may = map[string][]string{
	"crypto":              {},
	"scrub":               {},
	"storage":             {},
	"storage/dir":         {"storage"},
	"storage/s3":          {"storage"},
	"storage/box":         {"storage"},
	"storage/storagetest": {"storage"},
	"server":              {"scrub", "crypto", "storage", "server/web"},
	"server/web":          {},
	"inbox":               {"crypto", "storage"},
	// What an operator sets, and whether a box set so can be trusted. The process's
	// life (serve, renew, sandbox, certificates) is above both, and they do not know it.
	"cmd/temoind/settings": {"server", "crypto", "storage/dir", "storage/s3"},
	"cmd/temoind/doctor":   {"cmd/temoind/settings", "server", "crypto", "storage", "storage/dir", "storage/s3"},
	"cmd/temoind/drill":    {"cmd/temoind/doctor", "cmd/temoind/settings", "crypto"}, // sends marks and finds them with the doctor's means
	"cmd/temoind": {
		"cmd/temoind/doctor", "cmd/temoind/drill", "cmd/temoind/settings",
		"server", "scrub", "crypto", "storage", "storage/dir", "storage/s3",
	},
	"cmd/temoin": {"inbox", "scrub", "crypto", "storage", "storage/dir", "storage/s3", "storage/box"},
}

// Tests may also use these: the suite, and a real store to run against.
var mayInTests = []string{"storage", "storage/dir", "storage/storagetest"}

// modules are the direct dependencies we argued for, and who may import them:
// every package when the list is empty.
var modules = map[string][]string{
	"filippo.io/age":                      {},
	"github.com/gorilla/mux":              {"server"},
	"github.com/minio/minio-go/v7":        {"storage/s3"},
	"github.com/spf13/cobra":              {"cmd/temoin"},
	"github.com/BurntSushi/toml":          {},
	"github.com/landlock-lsm/go-landlock": {},
	"github.com/rogpeppe/go-internal":     {testsOnly},
	"golang.org/x/crypto":                 {},
	"golang.org/x/image":                  {},
	"golang.org/x/net":                    {},
	"golang.org/x/sys":                    {},
	"golang.org/x/term":                   {},
	"golang.org/x/text":                   {},
	"rsc.io/qr":                           {},
}

const testsOnly = "tests only"

// source is one parsed Go file of this module.
type source struct {
	path string // slash-separated, from the root of the tree
	pkg  string // its folder
	test bool
	file *ast.File
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if s.pkg == "." {
			continue // this test
		}
		allowed, known := may[s.pkg]
		if !known && !s.test {
			t.Errorf("%s: package %s has no line in the table of arch_test.go", s.path, s.pkg)
			continue
		}
		for _, spec := range s.file.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			ours, isOurs := strings.CutPrefix(imp, "temoin/")
			switch {
			case isOurs:
				ok := slices.Contains(allowed, ours) ||
					s.test && (ours == s.pkg || slices.Contains(mayInTests, ours))
				if !ok {
					t.Errorf("%s: %s may not import %s", s.path, s.pkg, ours)
				}
			case strings.Contains(strings.Split(imp, "/")[0], "."):
				checkModule(t, s, imp)
			}
		}
	}
}

func checkModule(t *testing.T, s source, imp string) {
	t.Helper()
	mod := moduleOf(imp)
	who, ok := modules[mod]
	switch {
	case !ok:
		t.Errorf("%s: imports %s, which is not among the dependencies of the design", s.path, imp)
	case slices.Contains(who, testsOnly) && !s.test:
		t.Errorf("%s: %s is for tests only", s.path, mod)
	case len(who) > 0 && !slices.Contains(who, testsOnly) && !slices.Contains(who, s.pkg):
		t.Errorf("%s: only %s may import %s", s.path, strings.Join(who, ", "), mod)
	}
}

// moduleOf is the longest listed module that imp lies in, or imp itself.
func moduleOf(imp string) string {
	for p := imp; p != "."; p = path.Dir(p) {
		if _, ok := modules[p]; ok {
			return p
		}
	}
	return imp
}

func TestDirectDependencies(t *testing.T) {
	f, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	require := regexp.MustCompile(`^(?:require )?\s*([\w./~-]+\.[\w./~-]+) v\S+$`)
	for in := bufio.NewScanner(f); in.Scan(); {
		m := require.FindStringSubmatch(strings.TrimSpace(in.Text()))
		if m == nil {
			continue // also everything marked "// indirect"
		}
		if _, ok := modules[m[1]]; !ok {
			t.Errorf("go.mod: %s is a direct dependency that the design does not have", m[1])
		}
	}
}

// The names that would tell who sends, or would put plaintext on the server's
// disk. A method of our own may be called RemoteAddr (that is how connections
// lose their address), but no code may use it.
var (
	forbiddenUses = []string{
		"ParseMultipartForm", "FormFile", "FormValue", "PostFormValue",
		"RemoteAddr", "UserAgent", "Referer",
	}
	forbiddenText = regexp.MustCompile(`(?i)^(x-forwarded(-.*)?|forwarded|x-real-ip|user-agent|referer)$`)
)

func TestServerNeverLooksAtTheSender(t *testing.T) {
	seen := 0
	for _, s := range sources(t) {
		if s.test || s.pkg != "cmd/temoind" && s.pkg != "server" && !strings.HasPrefix(s.pkg, "server/") {
			continue
		}
		seen++
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if slices.Contains(forbiddenUses, n.Sel.Name) {
					t.Errorf("%s: uses .%s", s.path, n.Sel.Name)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && forbiddenText.MatchString(text) {
					t.Errorf("%s: names the header %q", s.path, text)
				}
			}
			return true
		})
	}
	if seen == 0 {
		t.Error("no file of the server was read")
	}
}

// A file is one idea, and short enough to be read at once.
func TestNoFileIsLong(t *testing.T) {
	const most = 500
	kinds := []string{".go", ".ts", ".css", ".html", ".sh", ""}
	walk(t, func(p string) {
		if !slices.Contains(kinds, path.Ext(p)) || path.Base(p) == "LICENSE" {
			return
		}
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte("\n")); n > most && !generated(b) {
			t.Errorf("%s has %d lines, %d are allowed", p, n, most)
		}
	})
}

// opens matches the symbols that can turn a sealed object back into plaintext.
// Beware of html/template: with it the linker keeps every exported method of
// every type that ever becomes an interface, so one fmt.Print of an age
// identity brings its Unwrap into the server.
var opens = regexp.MustCompile(`^(` + strings.Join([]string{
	`filippo\.io/age\.([dD]ecrypt|multiUnwrap).*`,
	`filippo\.io/age\.\(\*?\w*(Identity|Recipient)\w*\)\.[uU]nwrap.*`,
	`filippo\.io/age/internal/stream\..*Decrypt.*`,
	`filippo\.io/age/plugin\..*`,
	`temoin/inbox\b.*`,
	`temoin/crypto\.\(\*?Letter\)\..*`,
	`temoin/crypto\.(\(\*?\w+\)\.)?[oO]pen([A-Z.\[].*)?`, // but "opening", as in opening letter
	`temoin/crypto\.(\(\*?\w+\)\.)?([dD]ecrypt|[uU]nseal|[uU]nwrap).*`,
}, "|") + `)$`)

// opensReplies is what the server may open: a coordinator's answer, with the
// receipt that a witness without JavaScript has just typed in.
var opensReplies = regexp.MustCompile(`^temoin/crypto\.(ReplySecret|\(\*ReplySecret\))\.OpenReply(\..*)?$`)

// TestServerCannotOpen looks into the linked programs, because an import list
// does not show what the linker kept. The coordinators' program is the proof
// that the pattern finds what it looks for.
func TestServerCannotOpen(t *testing.T) {
	server := symbols(t, "./cmd/temoind")
	for _, must := range []string{"main.main", "filippo.io/age.Encrypt"} {
		if !slices.Contains(server, must) {
			t.Errorf("temoind has no symbol %s: is this the right program?", must)
		}
	}
	for _, s := range server {
		if opens.MatchString(s) && !opensReplies.MatchString(s) {
			t.Errorf("temoind links %s", s)
		}
	}
	coordinator := symbols(t, "./cmd/temoin")
	for _, must := range []string{"filippo.io/age.Decrypt", "filippo.io/age/internal/stream.NewDecryptReader"} {
		if !slices.Contains(coordinator, must) || !opens.MatchString(must) {
			t.Errorf("temoin has no %s, so its absence proves nothing about temoind", must)
		}
	}
}

// symbols builds pkg with its symbol table and returns every name in it.
func symbols(t *testing.T, pkg string) []string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", bin, pkg).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	out, err := exec.Command("go", "tool", "nm", bin).Output()
	if err != nil {
		t.Fatalf("go tool nm: %v", err)
	}
	line := regexp.MustCompile(`(?m)^ *[0-9a-f]* +[A-Za-z?] (.*)$`)
	var names []string
	for _, m := range line.FindAllSubmatch(out, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// sources parses every Go file of this module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	walk(t, func(p string) {
		if path.Ext(p) != ".go" || strings.HasPrefix(p, "e2e/") || strings.HasPrefix(p, "tools/") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{p, path.Dir(p), strings.HasSuffix(p, "_test.go"), f})
	})
	return all
}

// walk calls f with every file that people write.
func walk(t *testing.T, f func(p string)) {
	t.Helper()
	skip := []string{".git", "testdata", "node_modules", "dist", "shots"}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skip, d.Name()):
			return fs.SkipDir
		case d.Type().IsRegular():
			f(filepath.ToSlash(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func generated(b []byte) bool {
	first, _, _ := bytes.Cut(b, []byte("\n"))
	return bytes.Contains(first, []byte("generated"))
}

// TestPromisesNameTests: a promise is worth the test that SECURITY.md names.
func TestPromisesNameTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	err = filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(p, "_test.go") {
			return err
		}
		b, err := os.ReadFile(p)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(b, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(page), -1)
	if len(named) < 20 {
		t.Errorf("SECURITY.md names %d tests", len(named))
	}
	for _, n := range named {
		if !there[n] {
			t.Errorf("SECURITY.md names %s, which does not exist", n)
		}
	}
	for p := range 8 {
		if !bytes.Contains(page, []byte("| P"+strconv.Itoa(p+1)+" | ")) {
			t.Errorf("SECURITY.md has no row for P%d", p+1)
		}
	}
}
