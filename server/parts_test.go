package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"temoin/crypto"
	"temoin/server"
)

// kept returns what the store holds of all that was sent: the words and the other text
// fields, and the files.
func (b *box) kept(t testing.TB) (state crypto.State, texts []string, files []string) {
	t.Helper()
	for _, l := range b.drops(t) {
		res, content := b.read(t, l)
		m := res.Manifest
		state = res.State
		texts = append(texts, string(l.Words), m.Where, m.When)
		for n := range m.Files {
			files = append(files, string(content[n+1]))
		}
	}
	return state, texts, files
}

// sendRaw posts a form with the boundary x as it stands.
func (b *box) sendRaw(t testing.TB, body string) (*http.Response, string) {
	t.Helper()
	return do(t, "POST", b.url+"/en/send", strings.NewReader(body),
		"Content-Type", "multipart/form-data; boundary=x", "Accept", "text/plain")
}

// evidence is content that looks like boundaries and quoted-printable, and is neither.
var evidence = "\xff\xd8\xff\xe0=3D\r\n--xx\r\n--x-\r\n\n--y--\r\n" + string(noise[:2000]) + "\r\n"

const saw = "--x\r\nContent-Disposition: form-data; name=\"words\"\r\n\r\nI saw\r\n"

// Whatever a program calls the field, and whatever it writes around a file, the
// file is kept byte for byte, or the answer is no success.
func TestEveryFileIsKept(t *testing.T) {
	const disposition = "Content-Disposition: form-data; name="
	for name, head := range map[string]string{
		"file":                         disposition + `"file"; filename="film.mp4"`,
		"files[]":                      disposition + `"files[]"; filename="film.mp4"`,
		"Files":                        disposition + `"Files"; filename="film.mp4"`,
		"photo":                        disposition + `"photo"; filename="film.mp4"`,
		"photo without a file name":    disposition + `"photo"`,
		"files without a file name":    disposition + `"files"`,
		"words with a file name":       disposition + `"words"; filename="film.mp4"`,
		"where with a file name":       disposition + `"where"; filename="film.mp4"`,
		"details with a file name":     disposition + `"details"; filename="film.mp4"`,
		"words with a FileName":        disposition + `"words"; FILENAME="film.mp4"`,
		"words with an extended name":  disposition + `"words"; filename*=UTF-8''film.mp4`,
		"words with a piece of a name": disposition + `"words"; filename*0="film"; filename*1=".mp4"`,
		"words that are a picture":     disposition + "\"words\"\r\nContent-Type: image/jpeg",
		"Words":                        disposition + `"Words"`,
		"a quote in the file name":     disposition + `"files"; filename="a"b".mp4"`,
		"a backslash at the end":       disposition + `"files"; filename="a\"`,
		"a path of Windows":            disposition + `"files"; filename="C:\films\a.mp4"`,
		"a semicolon in the file name": disposition + `"files"; filename="a; name="words".mp4"`,
		"no end of the file name":      disposition + `"files"; filename="a`,
		"a file name of nothing":       disposition + `"files"; filename=""`,
		"two names of the field":       disposition + `"words"; name="files"`,
		"two file names":               disposition + `"files"; filename="a"; filename="b"`,
		"a plain and an extended name": disposition + `"files"; filename="a"; filename*=UTF-8''b`,
		"a wrong extended name":        disposition + `"files"; filename*=UTF-8''%zz`,
		"a name that is not UTF-8":     disposition + "\"files\"; filename=\"\xe9\xff.mp4\"",
		"NUL in the file name":         disposition + "\"files\"; filename=\"a\x00.mp4\"",
		"no quotes":                    disposition + `files; filename=a b.mp4`,
		"no name":                      "Content-Disposition: form-data",
		"an empty name":                disposition + `""`,
		"nothing said":                 "Content-Disposition:",
		"attachment":                   `Content-Disposition: attachment; name="files"; filename="film.mp4"`,
		"attachment of words":          `Content-Disposition: attachment; name="words"`,
		"file without a file name":     disposition + `"file"`,
		"two dispositions":             disposition + "\"words\"\r\n" + disposition + `"files"; filename="a"`,
		"no disposition":               "Content-Type: image/jpeg",
		"no header":                    "",
		"a folded header":              "Content-Disposition: form-data;\r\n name=\"files\";\r\n\tfilename=\"a\"",
		"quoted-printable":             disposition + "\"files\"; filename=\"a\"\r\nContent-Transfer-Encoding: quoted-printable",
		"base64":                       disposition + "\"files\"; filename=\"a\"\r\nContent-Transfer-Encoding: base64",
		"a form in the form":           disposition + "\"files\"\r\nContent-Type: multipart/mixed; boundary=y",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, nil)
			part := "--x\r\n" + head + "\r\n\r\n" + evidence + "\r\n"
			if head == "" {
				part = "--x\r\n\r\n" + evidence + "\r\n"
			}
			// Details are kept, so that the bytes stay as they are.
			resp, answer := b.sendRaw(t, saw+"--x\r\n"+disposition+"\"details\"\r\n\r\nkeep\r\n"+part+"--x--\r\n")
			state, texts, files := b.kept(t)
			if resp.StatusCode != 200 || state != crypto.Complete {
				t.Fatalf("%d %q, %s", resp.StatusCode, answer, state)
			}
			if !slices.Contains(texts, "I saw") || !slices.Equal(files, []string{evidence}) {
				t.Errorf("acknowledged, and kept is %q and %d files: %.80q", texts, len(files), files)
			}
		})
	}
}

// Nothing that is sent as text is lost either: a text that does not fit into the
// manifest, or comes a second time, becomes a file.
func TestEveryTextIsKept(t *testing.T) {
	const disposition = "Content-Disposition: form-data; name="
	text := func(name, value string) string {
		return "--x\r\n" + disposition + `"` + name + "\"\r\n\r\n" + value + "\r\n"
	}
	far, further := strings.Repeat("é", 300), strings.Repeat("far away ", 9000)
	for name, c := range map[string]struct {
		body        string
		texts, file []string
	}{
		"where of 600 bytes":     {saw + text("where", far) + "--x--", []string{"I saw"}, []string{far}},
		"when of 80 KB":          {saw + text("when", further) + "--x--", []string{"I saw"}, []string{further}},
		"where that is no UTF-8": {saw + text("where", "caf\xe9") + "--x--", []string{"I saw"}, []string{"caf\xe9"}},
		"where with NUL":         {saw + text("where", "a\x00b") + "--x--", []string{"I saw"}, []string{"a\x00b"}},
		"two words":              {saw + text("words", "and more") + "--x--", []string{"I saw"}, []string{"and more"}},
		"two where":              {saw + text("where", "here") + text("where", "there") + "--x--", []string{"I saw", "here"}, []string{"there"}},
		"where again, empty":     {saw + text("where", "here") + text("where", "") + "--x--", []string{"I saw", "here"}, nil},
		"an unknown field":       {saw + text("who", "me") + "--x--", []string{"I saw"}, []string{"me"}},
		"an unknown empty field": {saw + text("who", "") + "--x--", []string{"I saw"}, nil},
		"words, quoted-printable": {strings.Replace(saw,
			"\r\n\r\nI saw", "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nI =73aw", 1) + "--x--",
			[]string{"I =73aw"}, nil},
		"words of another sort":       {strings.Replace(saw, "\"\r\n", "\"; x=y\r\nContent-Type: text/plain; charset=UTF-8\r\n", 1) + "--x--", []string{"I saw"}, nil},
		"a preamble":                  {"This is a message in parts.\r\n" + saw + "--x--", []string{"I saw"}, []string{"This is a message in parts."}},
		"a blank preamble":            {"\r\n\r\n" + saw + "--x--", []string{"I saw"}, nil},
		"a blank preamble, LF":        {strings.ReplaceAll("\n"+saw+"--x--\n", "\r", ""), []string{"I saw"}, nil},
		"a preamble, LF":              {strings.ReplaceAll("parts\n"+saw+"--x--\n", "\r", ""), []string{"I saw"}, []string{"parts"}},
		"something behind the end":    {saw + "--x--\r\n" + saw, []string{"I saw"}, []string{saw}},
		"blanks behind the end":       {saw + "--x-- \t\r\n\r\n \r\n", []string{"I saw"}, nil},
		"a bare line feed at the end": {saw + "--x--\n", []string{"I saw"}, nil},
		"padding behind a boundary":   {strings.Replace(saw, "--x", "--x \t", 1) + "--x--", []string{"I saw"}, nil},
		"an end that is none":         {strings.Replace(saw, "I saw", "I saw\r\n--x--y\r\n--x z", 1) + "--x--", []string{"I saw\r\n--x--y\r\n--x z"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, nil)
			resp, answer := b.sendRaw(t, c.body)
			state, texts, files := b.kept(t)
			if resp.StatusCode != 200 || state != crypto.Complete {
				t.Fatalf("%d %q, %s", resp.StatusCode, answer, state)
			}
			for _, want := range c.texts {
				if !slices.Contains(texts, want) {
					t.Errorf("%q is not kept: %.80q", want, texts)
				}
			}
			if !slices.Equal(files, c.file) {
				t.Errorf("kept are the files %.80q, want %.80q", files, c.file)
			}
		})
	}
}

// A form that is malformed, cut or compressed is refused, and what came before the fault
// is kept.
func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ header, body, code string }{
		"an empty body":           {"", "", "empty"},
		"blank lines":             {"", "\r\n\r\n", "empty"},
		"only an end":             {"", "--x--\r\n", "empty"},
		"content among headers":   {"", saw + "--x\r\nwhat I saw\r\n\r\nrest\r\n--x--", "bad-request"},
		"no end of the headers":   {"", saw + "--x\r\nA: b\r\n--x--\r\n", "bad-request"},
		"no end":                  {"", saw, "cut"},
		"another boundary":        {"", strings.ReplaceAll(saw+"--x--", "--x", "--z"), "cut"},
		"gzip":                    {"gzip", "\x1f\x8b" + saw, "content-encoding"},
		"identity, br":            {"identity, br", saw, "content-encoding"},
		"details that are longer": {"", saw + strings.Replace(saw, "words", "details", 1) + "--x--", "bad-request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, nil)
			resp, answer := do(t, "POST", b.url+"/en/send", strings.NewReader(c.body),
				"Content-Type", "multipart/form-data; boundary=x", "Accept", "text/plain", "Content-Encoding", c.header)
			if code, _, _ := strings.Cut(answer, ": "); code != c.code || resp.StatusCode/100 != 4 {
				t.Errorf("%d %q, want %s", resp.StatusCode, answer, c.code)
			}
			_, texts, files := b.kept(t)
			if all := strings.Join(slices.Concat(texts, files), "\n"); strings.Contains(c.body, "I saw") &&
				c.header == "" && !strings.Contains(all, "I saw") {
				t.Errorf("what came is not kept: %q", all)
			}
		})
	}
	if resp, answer := do(t, "POST", newBox(t, nil).url+"/en/send", strings.NewReader(saw+"--x--"),
		"Content-Type", "multipart/form-data; boundary=x", "Content-Encoding", "Identity"); resp.StatusCode != 200 {
		t.Errorf("identity: %d %s", resp.StatusCode, answer)
	}
}

// The name of a file, for senders who keep details, is found in malformed headers too.
func TestNamesOfFiles(t *testing.T) {
	for said, want := range map[string]string{
		`form-data; name="files"; filename="film.mp4"`:                     "film.mp4",
		`form-data; name="files"; filename="a"b".mp4"`:                     `a"b".mp4`,
		`form-data; name="files"; filename="a\"`:                           "a",
		`form-data; name="files"; filename="C:\films\a.mp4"`:               "a.mp4",
		`form-data; name="files"; filename="/films/a.mp4/"`:                "a.mp4",
		`form-data; name="files"; filename="a`:                             "a",
		`form-data; name="files"; filename=a b.mp4; x=y`:                   "a b.mp4",
		`form-data; name="files"; filename=""`:                             "",
		`form-data; name="files"; filename*=UTF-8''%c3%a9.mp4`:             "é.mp4",
		`form-data; name="files"; filename="a"b"; filename*=UTF-8''c`:      `a"b`,
		`form-data; name="files"; filename*=UTF-8''%zz`:                    "%zz",
		`attachment; filename="film.mp4"`:                                  "film.mp4",
		`form-data; name="filename=x"`:                                     "",
		`form-data; filename`:                                              "",
		"form-data; name=\"files\"; filename=\"\xe9.mp4\"":                 "\xe9.mp4",
		`form-data; name="files"; filename="a;b.mp4"`:                      "a;b.mp4",
		`form-data; name="words"; filename="film.mp4"; name="words"`:       `film.mp4`,
		`form-data; filename="film.mp4"; filename="film.mp4"; name="words`: `film.mp4"; filename="film.mp4"; name=`,
	} {
		if field, name := server.Disposition(said); field != "" || name != want {
			t.Errorf("%s: field %q, name %q, want %q", said, field, name, want)
		}
	}
}
