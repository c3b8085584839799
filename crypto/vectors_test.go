package crypto_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

const vectorDir = "../testdata/vectors/v1"

// vector is a golden drop: what went in, and what has to come out.
type vector struct {
	Comment     string         `json:"comment"`
	Coordinator string         `json:"coordinator"` // secret key
	Recipients  []string       `json:"recipients"`
	Seed        string         `json:"seed"`
	Identity    string         `json:"identity"` // of the drop
	Receipt     string         `json:"receipt"`
	Via         string         `json:"via"`
	Lang        string         `json:"lang"`
	Where       string         `json:"where"`
	When        string         `json:"when"`
	Words       string         `json:"words"`
	Total       int64          `json:"total"`          // bytes announced, -1 if unknown
	Plan        bool           `json:"plan,omitempty"` // the sender knows all files, as the page does
	Files       []vectorFile   `json:"files"`
	Objects     []vectorObject `json:"objects"`
}

// vectorFile has Size bytes; byte j of file n is (31*j + 17*n + j>>8) & 255.
type vectorFile struct {
	Type    string   `json:"type"`
	Name    string   `json:"name,omitempty"`
	Details string   `json:"details"`
	Size    int      `json:"size"`
	Removed []string `json:"removed,omitempty"`
}

func (f vectorFile) content(n int) []byte {
	b := make([]byte, f.Size)
	for j := range b {
		b[j] = byte(31*j + 17*n + j>>8)
	}
	return b
}

// vectorObject is one sealed object: the file <key without c/>.age.
type vectorObject struct {
	Role string `json:"role"` // letter, chunk 1, …, closing
	ID   string `json:"id"`
	Key  string `json:"key"`
	Size int    `json:"size"`
	Tar  string `json:"tar"` // SHA-256 of the plaintext
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob(vectorDir + "/*.json")
	must(t, err)
	if len(files) < 3 {
		t.Fatalf("%d golden vectors", len(files))
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			var v vector
			b, err := os.ReadFile(f)
			must(t, err)
			must(t, json.Unmarshal(b, &v))
			sealed := sealVector(t, v)
			objects := describe(t, v, sealed)
			if *update {
				v.Objects = objects
				writeVector(t, f, v, sealed)
			}
			if !slices.Equal(objects, v.Objects) {
				t.Errorf("sealed now:\n%+v\ngolden:\n%+v", objects, v.Objects)
			}
			checkVector(t, v)
		})
	}
}

// sealVector seals the inputs of a vector with its fixed randomness.
func sealVector(t *testing.T, v vector) *memory {
	var recipients string
	for _, r := range v.Recipients {
		recipients += r + "\n"
	}
	to, err := crypto.ParseRecipients(recipients)
	must(t, err)
	id, ok := crypto.ParseID(v.Seed)
	if !ok {
		t.Fatal("seed")
	}
	m := newMemory()
	opt := crypto.Options{Via: v.Via, Lang: v.Lang, Total: v.Total}
	for _, f := range v.Files {
		if size := int64(f.Size); v.Plan {
			opt.Plan = append(opt.Plan, crypto.File{
				Type: f.Type, Name: f.Name, Size: &size, Details: f.Details, Removed: f.Removed,
			})
		}
	}
	s := crypto.NewFixedSealer(to, m, opt, crypto.Seed(id), v.Identity, crypto.Receipt(v.Receipt))
	must(t, s.Words())
	_, err = s.Write([]byte(v.Words))
	must(t, err)
	must(t, s.Where(v.Where))
	must(t, s.When(v.When))
	for i, f := range v.Files {
		must(t, s.File(crypto.File{Type: f.Type, Name: f.Name, Details: f.Details, Removed: f.Removed}))
		_, err = s.Write(f.content(i + 1))
		must(t, err)
	}
	must(t, s.Close())
	return m
}

func secretKey(t *testing.T, s string) age.Identity {
	ids, err := age.ParseIdentities(bytes.NewReader([]byte(s)))
	must(t, err)
	return ids[0]
}

// describe lists the objects in the order in which they were sealed.
func describe(t *testing.T, v vector, m *memory) []vectorObject {
	id, _ := crypto.ParseID(v.Seed)
	seed := crypto.Seed(id)
	var out []vectorObject
	for i, key := range m.order {
		o := vectorObject{Key: key, Size: len(m.objects[key])}
		unlock := secretKey(t, v.Identity)
		switch {
		case i == 0:
			o.Role, o.ID, unlock = "letter", seed.LetterID().String(), secretKey(t, v.Coordinator)
		case i == len(m.order)-1:
			o.Role, o.ID = "closing", seed.ClosingID().String()
		default:
			o.Role, o.ID = fmt.Sprintf("chunk %d", i), seed.ChunkID(uint64(i)).String()
		}
		o.Tar = tarSum(t, m.objects[key], unlock)
		out = append(out, o)
	}
	return out
}

func tarSum(t *testing.T, object []byte, id age.Identity) string {
	r, err := age.Decrypt(bytes.NewReader(object), id)
	must(t, err)
	h := sha256.New()
	_, err = io.Copy(h, r)
	must(t, err)
	return hex.EncodeToString(h.Sum(nil))
}

// checkVector opens the committed objects.
func checkVector(t *testing.T, v vector) {
	m := newMemory()
	for _, o := range v.Objects {
		b, err := os.ReadFile(filepath.Join(vectorDir, "objects", o.Key[2:]+".age"))
		must(t, err)
		m.objects[o.Key], m.order = b, append(m.order, o.Key)
	}
	l := letterOf(t, m, secretKey(t, v.Coordinator))
	res, files := collect(t, m, l)
	first := 1
	if words := string(l.Words); words == "" && v.Words != "" && string(files[1]) == v.Words {
		first = 2
	} else if words != v.Words {
		t.Errorf("words %q", words)
	}
	if res.State != crypto.Complete || res.Manifest.Where != v.Where || res.Manifest.When != v.When {
		t.Errorf("%s %+v", res.State, res.Manifest)
	}
	for i, f := range v.Files {
		n := i + first
		if !bytes.Equal(files[n], f.content(i+1)) || res.Files[n-1].Type != f.Type || res.Files[n-1].Name != f.Name {
			t.Errorf("file %d: %+v", n, res.Files[n-1])
		}
	}
}

func writeVector(t *testing.T, path string, v vector, m *memory) {
	b, err := json.MarshalIndent(v, "", "  ")
	must(t, err)
	must(t, os.WriteFile(path, append(b, '\n'), 0o644))
	must(t, os.MkdirAll(filepath.Join(vectorDir, "objects"), 0o755))
	for key, o := range m.objects {
		must(t, os.WriteFile(filepath.Join(vectorDir, "objects", key[2:]+".age"), o, 0o644))
	}
}
