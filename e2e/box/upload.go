package box

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"time"
)

// Testimony is what a witness writes in many of these tests.
const Testimony = "Two vans at the gate, 6:12.\nSie kamen zu dritt — они ушли."

// Form are the fields of curl for a form with these files, details kept.
func Form(files ...string) []string {
	args := []string{
		"-F", "words=" + Testimony, "-F", "where=the gate", "-F", "when=before dawn", "-F", "details=keep",
	}
	for _, f := range files {
		args = append(args, "-F", "files=@"+f)
	}
	return args
}

// Upload is one file on its way, known by its label, which is also its words
// and the seed of its bytes.
type Upload struct {
	Label, Via string
	Size       int
	Acked      bool
}

// Data makes the bytes of the file.
func (u *Upload) Data() []byte {
	b := make([]byte, u.Size)
	rand.NewChaCha8(sha256.Sum256([]byte(u.Label))).Read(b)
	return b
}

// Hash is the SHA-256 of Data in hexadecimal.
func (u *Upload) Hash() string {
	sum := sha256.Sum256(u.Data())
	return hex.EncodeToString(sum[:])
}

// NewUpload draws the size of upload n of worker w: most are small.
func NewUpload(rng *rand.Rand, w, n int) *Upload {
	size := 1 + rng.IntN(40<<10)
	if rng.IntN(3) == 0 {
		size = 200<<10 + rng.IntN(4<<20)
	}
	via := "form"
	if w >= 4 {
		via = "send"
	}
	return &Upload{Label: fmt.Sprintf("%s %d-%d", via, w, n), Via: via, Size: size}
}

// PostForm sends as curl would; true only for a 200 with a whole receipt.
func PostForm(url string, u *Upload) bool {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("words", u.Label)
	w.WriteField("details", "keep")
	part, _ := w.CreateFormFile("files", "film.bin")
	part.Write(u.Data())
	w.Close()
	req, err := http.NewRequest("POST", url+"/en/send", &body)
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Accept", "text/plain")
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && BareReceipt(string(text)) != ""
}
