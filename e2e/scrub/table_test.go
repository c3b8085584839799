package scrub

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A rival is another program that removes metadata: it writes a clean copy of
// in to out, or fails.
type rival struct {
	name string
	run  func(in, out string) error
}

var rivals = []rival{
	{"mat2", func(in, out string) error {
		tmp := filepath.Join(filepath.Dir(out), "in"+filepath.Ext(in))
		b, err := os.ReadFile(in)
		if err == nil {
			err = os.WriteFile(tmp, b, 0o600)
		}
		if err == nil {
			err = exec.Command("mat2", tmp).Run()
		}
		os.Remove(tmp)
		if err != nil {
			return err
		}
		return os.Rename(strings.TrimSuffix(tmp, filepath.Ext(in))+".cleaned"+filepath.Ext(in), out)
	}},
	{"exiftool -all=", func(in, out string) error { return exec.Command("exiftool", "-q", "-all=", "-o", out, in).Run() }},
	{"ffmpeg -map_metadata -1", func(in, out string) error {
		return exec.Command("ffmpeg", "-v", "error", "-i", in, "-map", "0", "-c", "copy", "-map_metadata", "-1", out).Run()
	}},
}

// writeTable writes what became of every sample, by us and by the rivals.
func writeTable(t *testing.T, path string, files []string, clean map[string]scrubLine, leaks map[string][]string) {
	var b strings.Builder
	b.WriteString("# Every sample, cleaned\n\nMade by `cd e2e/scrub && TEMOIN_TABLE=../../docs/hidden-details-samples.md go test -run TestSamplesAreCleaned .` " +
		"with TEMOIN_SHARED naming the folder that has more samples; do not edit.\n\n" +
		"*clean*: no leak that exiftool finds in the classes place, identifier, time, device, person, text, embedded, maker note; none of the invented secrets in the bytes; rotation, pixels and sound as before. " +
		"*left*: leaks, with their number. *turned*: the rotation is lost. *changed*: other pixels or samples. *empty*: a file of 0 bytes and no error. " +
		"*refused*: an error, no copy. *unknown* is our word for refused.\n\n| sample | temoin scrub | removed |")
	for _, r := range rivals {
		fmt.Fprintf(&b, " %s |", r.name)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(rivals)) + "\n")
	sums := make([]map[string]int, 1+len(rivals))
	for i := range sums {
		sums[i] = map[string]int{}
	}
	for _, f := range files {
		c := clean[f]
		verdict := c.Details
		if verdict == "removed" {
			verdict = judge(t, f, c.Copy, leaks[c.Copy])
		}
		sums[0][firstWord(verdict)]++
		fmt.Fprintf(&b, "| %s | %s | %s |", filepath.Base(f), verdict, strings.Join(c.Removed, " "))
		for i, r := range rivals {
			v := rivalVerdict(t, r, f)
			sums[i+1][firstWord(v)]++
			fmt.Fprintf(&b, " %s |", v)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "| **all %d** | %s | |", len(files), sum(sums[0]))
	for i := range rivals {
		fmt.Fprintf(&b, " %s |", sum(sums[i+1]))
	}
	b.WriteByte('\n')
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return strings.TrimSuffix(w, ":")
}

func sum(counts map[string]int) string {
	var parts []string
	for _, w := range []string{"clean", "left", "turned", "changed", "empty", "refused", "unknown"} {
		if counts[w] > 0 {
			parts = append(parts, fmt.Sprint(counts[w], " ", w))
		}
	}
	return strings.Join(parts, ", ")
}

func rivalVerdict(t *testing.T, r rival, in string) string {
	out := filepath.Join(t.TempDir(), "out"+filepath.Ext(in))
	if err := r.run(in, out); err != nil {
		return "refused"
	}
	return judge(t, in, out, audit(t, []string{out})[out])
}

// judge says what is wrong with a copy, the worst first.
func judge(t *testing.T, in, out string, leaks []string) string {
	if fi, err := os.Stat(out); err != nil || fi.Size() == 0 {
		return "empty"
	}
	if secrets := secretsIn(t, out); len(leaks) == 0 && len(secrets) > 0 {
		leaks = []string{fmt.Sprint("secrets ", len(secrets))}
	}
	switch {
	case len(leaks) > 0:
		return "left: " + strings.Join(leaks, ", ")
	case decoded(t, in) != decoded(t, out):
		return "changed"
	case rotation(t, in) != rotation(t, out):
		return "turned"
	}
	return "clean"
}
