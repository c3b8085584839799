package server_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"temoin/server"
)

// FuzzParts takes hostile forms apart. However the bytes arrive the result is the
// same; contents stand in the body one behind the other; and where mime/multipart
// has no complaint, it finds the same parts.
func FuzzParts(f *testing.F) {
	for _, body := range []string{
		"", "--x", "--x--", "--x--\r\n", "\r\n--x\r\n\r\n\r\n--x--", "--x\r\n\r\n--x--", "--x\n\na\n--x\n\nb\n--x--\n",
		"--x--\n--x\n\n--x--", "--x0\n--x\r\n\r\n--x--", "before\n" + saw + "--x--", saw + "--x--\r\n", saw + saw + "--x-- \r\nrest",
		"before\r\n" + saw + "--x--", saw + "--x \t\r\nA: b\r\n c\r\n\r\n\r\n--xx\r\n--x-\r\n--x--",
		strings.Repeat("p", 3000) + "\n" + saw + "--x--", strings.Repeat("p\r\n", 12_000) + saw + "--x--",
		"--x\r\n\r\n" + strings.Repeat("\r", 40_000) + "\r\n--x--",
		"--x\r" + strings.Repeat("p", 3000) + "\n--x\n\r\n--x--",
		"--x\r\n\r\n" + strings.Repeat("\r\n--", 9_000) + "\r\n--x" + strings.Repeat(" ", 2000) + "\r\n\r\n\r\n--x--",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := server.TakeApart(bytes.NewReader(body), "x")
		slow, errSlow := server.TakeApart(iotest.OneByteReader(bytes.NewReader(body)), "x")
		if !slices.Equal(all, slow) || fmt.Sprint(err) != fmt.Sprint(errSlow) {
			t.Fatalf("whole: %.999s %v\nbyte by byte: %.999s %v",
				fmt.Sprintf("%+v", all), err, fmt.Sprintf("%+v", slow), errSlow)
		}
		rest := string(body)
		for i, p := range all {
			_, after, ok := strings.Cut(rest, p.Content)
			if rest = after; !ok {
				t.Fatalf("part %d, %.100q, is not of %.300q", i, p.Content, body)
			}
		}
		if theirs, ok := takenApart(body); ok && err == nil {
			var ours []string
			for _, p := range all {
				if !p.Outside {
					ours = append(ours, p.Content)
				}
			}
			if fmt.Sprintf("%q", ours) != fmt.Sprintf("%q", theirs) {
				t.Fatalf("%.300q\nis taken apart into   %.200q\nand by mime/multipart %.200q", body, ours, theirs)
			}
		}
	})
}

// takenApart returns the parts that mime/multipart finds in a form. It is not ok if that
// has a complaint, or may differ from ours on purpose.
func takenApart(body []byte) (contents []string, ok bool) {
	if !bytes.HasPrefix(body, []byte("--x")) || bytes.Contains(body, bytes.Repeat([]byte(" "), 1000)) {
		return nil, false // ours keeps a preamble, and takes at most maxPadding blanks behind a boundary
	}
	end := 0
	for line := range bytes.Lines(body) {
		if end += len(line); end > server.FirstLook {
			return nil, false // so far ours looks for a boundary that tells how lines end
		}
		rest, ok := bytes.CutPrefix(line, []byte("--x"))
		rest, closing := bytes.CutPrefix(rest, []byte("--"))
		if end := string(bytes.TrimLeft(rest, " \t")); ok && (end == "\n" || end == "\r\n" || end == "") {
			if closing && end == "\n" {
				// Ours ends the form here, and keeps the rest as a file. To mime/multipart
				// this is a preamble: it expects CRLF until it has seen a part.
				return nil, false
			}
			break
		}
	}
	r := multipart.NewReader(bytes.NewReader(body), "x")
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return contents, true
		}
		if err != nil {
			return nil, false
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, false
		}
		contents = append(contents, string(content))
	}
}

// FuzzDisposition: only what is well-formed and has no sort of file name is text,
// and what a program writes as a file is never taken for text.
func FuzzDisposition(f *testing.F) {
	for _, s := range []string{
		`form-data; name="words"`, `form-data; name=words`,
		`form-data; name="files"; filename="a"b".mp4"`, `form-data; name="words"; filename*0="a"`,
		`attachment; filename*=utf-8''%e9`, `form-data; name="a; filename=b"`,
		`form-data;filename=`, `; filename="`, "\xff; FILENAME*=''\xff;",
	} {
		f.Add(s, "words", s)
	}
	f.Fuzz(func(t *testing.T, disposition, field, name string) {
		if text, file := server.Disposition(disposition); text != "" {
			kind, params, err := mime.ParseMediaType(disposition)
			if err != nil || kind != "form-data" || params["name"] != text ||
				strings.Contains(strings.ToLower(disposition), "filename") || file != "" {
				t.Fatalf("%q is taken for %s", disposition, text)
			}
		} else if strings.ContainsAny(file, `/\`) || len(file) > len(disposition) {
			t.Fatalf("%q has the name %q", disposition, file)
		}
		// As browsers write it, and as programs that do not escape quotes.
		for _, said := range []string{
			multipart.FileContentDisposition(field, name),
			`form-data; name="` + field + `"; filename="` + name + `"`,
			`form-data; filename="` + name + `"; name="` + field + `"`,
		} {
			if text, _ := server.Disposition(said); text != "" {
				t.Fatalf("%q is taken for %s", said, text)
			}
		}
		plain := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' || strings.ContainsRune(`"\/`, r) {
				return 'x'
			}
			return r
		}, name)
		if _, got := server.Disposition(multipart.FileContentDisposition("files", plain)); got != plain {
			t.Fatalf("%q comes back as %q", plain, got)
		}
		if _, got := server.Disposition(`form-data; name="files"; filename="` + plain + `"x.mp4"`); got != plain+`"x.mp4` {
			t.Fatalf("%q and a quote come back as %q", plain, got)
		}
	})
}
