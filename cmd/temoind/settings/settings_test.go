package settings

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// documented returns the settings with their comments, from the source.
func documented(t *testing.T) (keys []string, comments map[string]string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "settings.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments = map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Settings" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			key := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("toml")
			keys = append(keys, key)
			comments[key] = strings.Join(strings.Fields(field.Doc.Text()), " ")
		}
		return false
	})
	return keys, comments
}

// docs/settings.md holds every setting, in the words and the order of the struct.
func TestSettingsAreDocumented(t *testing.T) {
	keys, comments := documented(t)
	if len(keys) < 10 {
		t.Fatalf("only %d settings found", len(keys))
	}
	var want strings.Builder
	for _, k := range keys {
		if comments[k] == "" {
			t.Errorf("%s has no comment", k)
		}
		fmt.Fprintf(&want, "| `%s` | %s |\n", k, comments[k])
	}
	page, err := os.ReadFile("../../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), want.String()) {
		t.Errorf("docs/settings.md does not hold the table\n%s", want.String())
	}
}

func TestEveryFlagHasItsKey(t *testing.T) {
	keys, _ := documented(t)
	have := map[string]bool{}
	for _, k := range keys {
		have[strings.ReplaceAll(k, "_", "-")] = true
	}
	s := Default()
	n := 0
	s.flags("serve").VisitAll(func(f *flag.Flag) {
		n++
		if !have[f.Name] {
			t.Errorf("--%s has no key", f.Name)
		}
	})
	if n != len(keys) {
		t.Errorf("%d flags, %d keys", n, len(keys))
	}
}

func readFile(t *testing.T, text string, args ...string) (Settings, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "temoin.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := Read("serve", append([]string{"--config", path}, args...), io.Discard)
	return s, err
}

func TestFlagsGoBeforeTheFile(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/temoind")
	s, err := readFile(t,
		"listen = 'unix:/a'\nstore = 'dir:/a'\norg = 'file'\norigin = ['https://a.example']\nacme_domain = ['b.example']\naccept_overwrites_by_provider = true\ns3_secret_key_file = '$CREDENTIALS_DIRECTORY/s3'\n",
		"--org", "flag", "--origin", "https://b.example", "--origin", "https://c.example",
		"--accept-overwrites-by-provider=false")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Listen = List{"unix:/a"}
	want.Store, want.Org, want.S3SecretKeyFile = "dir:/a", "flag", "/run/credentials/temoind/s3"
	want.Origin, want.ACMEDomain = []string{"https://b.example", "https://c.example"}, []string{"b.example"}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

// The ~ of dir:~/store is the home folder, on a command line and in a file.
func TestStoreAtHome(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, store := range []string{"dir:~/box/store", "dir:~"} {
		want := "dir:" + home + strings.TrimPrefix(store, "dir:~")
		file, err := readFile(t, "store = '"+store+"'")
		if err != nil || file.Store != want {
			t.Errorf("%s in a file: %q, %v", store, file.Store, err)
		}
		line, _, err := Read("serve", []string{"--store", store}, io.Discard)
		if err != nil || line.Store != want {
			t.Errorf("%s as a flag: %q, %v", store, line.Store, err)
		}
	}
	if s, err := readFile(t, "store = 'dir:~other/store'"); err == nil || !strings.Contains(err.Error(), "whole path") {
		t.Errorf("another's home: %q, %v", s.Store, err)
	}
}

func TestStrictConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"stroe = 'dir:/a'":                 `there is no setting "stroe"`,
		"[listen]\naddress = ':80'":        "listen",
		"org = 7":                          "org",
		"org = 'a'\norg = 'b'":             "line 2",
		"origin = 7":                       "origin",
		"listen = [':80', 443]":            "listen",
		"access_log = '/var/log/temoin'\n": `there is no setting "access_log"`,
	} {
		if _, err := readFile(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, _, err := Read("serve", []string{"--config", "/nothing"}, io.Discard); err == nil {
		t.Error("a missing file is no error")
	}
}

// Notepad writes a byte order mark, PowerShell 5.1 UTF-16.
func TestConfigurationFromOtherEditors(t *testing.T) {
	dir := t.TempDir()
	utf16 := func(text string) string {
		b := []byte("\xff\xfe")
		for _, c := range []byte(text) {
			b = append(b, c, 0)
		}
		return string(b)
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(utf16("hunter2\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEMOIN_S3_ACCESS_KEY", "hunter3")
	text := "org = 'A group'\r\ns3_secret_key_file = '" + secret + "'\r\n"
	for _, file := range []string{"\ufeff" + text, utf16(text)} {
		s, err := readFile(t, file)
		if err != nil || s.Org != "A group" {
			t.Errorf("%.20q: %v %+v", file, err, s)
		}
		if keys, err := s.credentials(); err != nil || keys.Secret != "hunter2" {
			t.Errorf("the secret key is %+v, %v", keys, err)
		}
	}
	if _, err := readFile(t, utf16(text)+"x"); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16 that breaks off: %v", err)
	}
}

// The bucket's keys come from the environment, or from files, which win.
func TestCredentials(t *testing.T) {
	t.Setenv("TEMOIN_S3_ACCESS_KEY", "hunter3")
	t.Setenv("TEMOIN_S3_SECRET_KEY", "")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := (&Settings{S3SecretKeyFile: secret}).credentials()
	if err != nil || *keys != (Keys{"hunter3", "hunter2"}) {
		t.Errorf("%+v %v", keys, err)
	}
	if _, err := (&Settings{}).credentials(); err == nil {
		t.Error("a bucket without a secret key")
	}
}

// FuzzConfig: what can be read can be printed and read again, and is the same.
func FuzzConfig(f *testing.F) {
	f.Add("listen = 'unix:/run/x'\norigin = ['https://a.example', '']\norg = \"\"\"\na\"\"\"\naccept_overwrites_by_provider = true\n")
	f.Add("[store]\nkind = 's3'")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := readFile(t, text)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := s.Print(&out); err != nil {
			t.Fatal(err)
		}
		again, err := readFile(t, out.String())
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", s) {
			t.Errorf("%v\n%+v\n%+v\n%s", err, s, again, out.String())
		}
	})
}
