package scrub

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// The invented secrets in the generated samples.
var canaries = []string{"SECRETCOMMENT", "Jean Canary", "TESTNAME", "SN123456", "+50.9513", "TRAILINGSECRET",
	"SECRETENC",
	"IMEI=3569", "SECRET-MPVD", "Calais-evacuation", "Image_UTC_Data"}

// What counts as a leak, of the classes that audit.py knows.
var leakClasses = []string{"GPS", "ID", "time", "device", "person", "text", "embedded", "maker"}

// shared is a file or folder that is no part of the project: ./test says in
// TEMOIN_SHARED where those lie that some tests do more with. It is nothing where
// they are not.
func shared(name string) string {
	if dir := os.Getenv("TEMOIN_SHARED"); dir != "" {
		return filepath.Join(dir, name)
	}
	return ""
}

// mediaFiles are the samples of the project and, where there are more, those too.
func mediaFiles(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob(run.Repo("testdata/samples/*.*"))
	if dir := shared("samples"); dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "*.*"))
		if len(more) == 0 {
			t.Fatalf("TEMOIN_SHARED is set, and nothing is in %s", dir)
		}
		for _, f := range more {
			ours := func(own string) bool { return filepath.Base(own) == filepath.Base(f) }
			if ext := filepath.Ext(f); ext != ".md" && ext != ".py" && !slices.ContainsFunc(files, ours) {
				files = append(files, f)
			}
		}
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return files
}

// TestSamplesAreCleaned judges "temoin scrub" with other people's programs: on
// every sample it either says that it cannot clean it, or nothing is left and
// the picture and the sound are what they were.
func TestSamplesAreCleaned(t *testing.T) {
	run.Needs(t, "exiftool", "ffmpeg", "heif-convert", "python3")
	files := mediaFiles(t)
	clean, leaks := judgeAll(t, files)
	if table := os.Getenv("TEMOIN_TABLE"); table != "" {
		writeTable(t, table, files, clean, leaks)
	}
}

// judgeAll cleans files and fails for each whose copy is not clean, or changed.
func judgeAll(t *testing.T, files []string) (clean map[string]scrubLine, leaks map[string][]string) {
	dir := t.TempDir()
	clean = map[string]scrubLine{}
	var copies []string
	for _, f := range files {
		clean[f] = scrubOne(t, dir, f)
		if c := clean[f].Copy; c != "" {
			copies = append(copies, c)
		}
	}
	leaks = audit(t, copies)
	for _, f := range files {
		judgeOne(t, f, clean[f], leaks[clean[f].Copy])
	}
	t.Logf("%d files, %d of them cleaned", len(files), len(copies))
	return clean, leaks
}

func judgeOne(t *testing.T, f string, c scrubLine, leaks []string) {
	name := filepath.Base(f)
	if ext := filepath.Ext(f); ext == ".pdf" || ext == ".docx" {
		if c.Details != "unknown" || c.Copy != "" {
			t.Errorf("%s: details %s, copy %q", name, c.Details, c.Copy)
		}
		return
	}
	if c.Details != "removed" {
		t.Errorf("%s: details %s", name, c.Details)
		return
	}
	if len(leaks) > 0 {
		t.Errorf("%s: left: %v", name, leaks)
	}
	if l := secretsIn(t, c.Copy); len(l) > 0 {
		t.Errorf("%s: left in the bytes: %q", name, l)
	}
	if before, after := rotation(t, f), rotation(t, c.Copy); before != after {
		t.Errorf("%s: rotation was %q, is %q", name, before, after)
	}
	switch before, after := decoded(t, f), decoded(t, c.Copy); {
	case before != after:
		t.Errorf("%s: decodes to other pixels or samples: %q, %q", name, before, after)
	case before == "":
		t.Logf("%s: nothing decodes it, neither before nor after", name)
	}
}

// scrubLine is what temoin scrub --json says of a file.
type scrubLine struct {
	Details string
	Removed []string
	Copy    string
}

func scrubOne(t testing.TB, dir, file string) (l scrubLine) {
	r := box.Must(t, []int{0, 3}, nil, "scrub", "--json", "-o", dir, run.Abs(t, file))
	if err := json.Unmarshal([]byte(r.Stdout), &l); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, r.Stdout)
	}
	if (r.Code == 0) != (l.Details == "removed") || (l.Details == "removed") != (l.Copy != "") {
		t.Errorf("%s: exit code %d, details %s, copy %q", file, r.Code, l.Details, l.Copy)
	}
	return l
}

// audit returns what audit.py, which lies beside the shared samples, finds in files
// that counts as a leak: class and number. Without it the secrets alone are looked
// for.
func audit(t testing.TB, files []string) map[string][]string {
	leaks := map[string][]string{}
	if len(files) == 0 {
		return leaks
	}
	dir := shared("samples")
	if dir == "" {
		t.Log("TEMOIN_SHARED is not set: only the invented secrets are looked for, with no audit.py")
		return leaks
	}
	const program = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import audit
for f in sys.stdin.read().split("\0"):
    out, found = audit.audit(f)
    # A bit of every MPEG audio frame, which says "false".
    if any(x.startswith("MPEG:CopyrightFlag=") for x in found.get("person", [])):
        out["person"] -= 1
    print(json.dumps([f, dict(out)]))
`
	cmd := exec.Command("python3", "-c", program, dir)
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(files, "\x00")), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(files) {
		t.Fatalf("audit.py judged %d of %d files", len(lines), len(files))
	}
	for _, line := range lines {
		var file string
		var counts map[string]int
		if err := json.Unmarshal([]byte(line), &[]any{&file, &counts}); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		for _, c := range leakClasses {
			if counts[c] > 0 {
				leaks[file] = append(leaks[file], fmt.Sprintf("%s %d", c, counts[c]))
			}
		}
	}
	return leaks
}

func secretsIn(t testing.TB, file string) (found []string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range canaries {
		if bytes.Contains(b, []byte(c)) {
			found = append(found, c)
		}
	}
	return found
}

// rotation is how a file asks to be turned: photos by Exif, HEIC and AVIF by
// irot, videos by the matrix of the track. To ask for nothing and to ask for no
// turn is the same.
func rotation(t testing.TB, file string) string {
	tag, nothing := "-Rotation", "0"
	switch filepath.Ext(file) {
	case ".jpg", ".png", ".webp":
		tag, nothing = "-IFD0:Orientation", "1"
	}
	out, _ := exec.Command("exiftool", "-s3", "-n", tag, file).Output()
	s := strings.TrimSpace(string(out))
	if s == nothing {
		return ""
	}
	return s
}

// decoded is a hash of all pixels and samples, or nothing.
func decoded(t testing.TB, file string) string {
	switch filepath.Ext(file) {
	case ".heic", ".heif", ".avif":
		return decodedHEIF(t, file)
	}
	cmd := exec.Command("ffmpeg", "-v", "error", "-noautorotate", "-i", file, "-map", "0:V?", "-map", "0:a?", "-f", "md5",
		"-")
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// decodedHEIF decodes to a picture file without details of its own, and that
// to pixels.
func decodedHEIF(t testing.TB, file string) string {
	dir := t.TempDir()
	picture := filepath.Join(dir, "picture.png")
	if err := exec.Command("heif-convert", file, picture).Run(); err != nil {
		return ""
	}
	pictures, _ := filepath.Glob(filepath.Join(dir, "*.png")) // one for each picture in the file
	h := sha256.New()
	for _, p := range pictures {
		out, err := exec.Command("ffmpeg", "-v", "error", "-noautorotate", "-i", p, "-f", "md5", "-").Output()
		if err != nil {
			return ""
		}
		h.Write(out)
	}
	return fmt.Sprint(len(pictures), " ", hex.EncodeToString(h.Sum(nil)))
}
