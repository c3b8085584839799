package box

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"temoin/e2e/run"
)

// Sample is a real media file of the project.
func Sample(t testing.TB, name string) string {
	t.Helper()
	p := run.Repo("testdata/samples", name)
	if _, err := os.Stat(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// LargeVideo is a real video with 50 MiB more of what players skip.
func LargeVideo(t *testing.T) string {
	t.Helper()
	video, err := os.ReadFile(Sample(t, "gen-1080p-moovend.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	const more = 50 << 20
	box := make([]byte, more)
	rand.NewChaCha8([32]byte{}).Read(box)
	copy(box, "\x03\x20\x00\x00mdat") // its length comes first: 50 MiB
	name := filepath.Join(t.TempDir(), "large.mp4")
	if err := os.WriteFile(name, append(video, box...), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
