package inbox_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/armor"

	"temoin/crypto"
	"temoin/inbox"
)

func passphrase(p string) func() (string, error) { return func() (string, error) { return p, nil } }

func TestKeys(t *testing.T) {
	for _, kind := range []crypto.Kind{crypto.Hybrid, crypto.X25519} {
		file, recipient, err := inbox.NewKey(kind)
		must(t, err)
		if _, err := age.ParseIdentities(bytes.NewReader(file)); err != nil {
			t.Errorf("age does not read the file: %v", err)
		}
		keys, err := inbox.ParseKeys(file, nil)
		must(t, err)
		if got := keys.Recipients(); len(got) != 1 || got[0] != recipient {
			t.Errorf("recipients are %q", got)
		}
	}
}

func TestLockedKeys(t *testing.T) {
	file, recipient, err := inbox.NewKey(crypto.Hybrid)
	must(t, err)
	locked, err := inbox.Lock(file, "correct horse")
	must(t, err)
	if bytes.Contains(locked, []byte("AGE-SECRET")) || !inbox.Locked(locked) || inbox.Locked(file) {
		t.Error("the locked file is not locked")
	}
	keys, err := inbox.ParseKeys(locked, passphrase("correct horse"))
	if err != nil || keys.Recipients()[0] != recipient {
		t.Errorf("%v", err)
	}
	if _, err := inbox.ParseKeys(locked, passphrase("wrong")); !errors.Is(err, inbox.ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	plain, err := inbox.Unlock(locked, passphrase("correct horse"))
	if err != nil || !bytes.Equal(plain, file) {
		t.Errorf("unlocked %q, %v", plain, err)
	}
	if _, err := inbox.Lock(file, ""); !errors.Is(err, inbox.ErrPassphrase) {
		t.Errorf("an empty passphrase: %v", err)
	}
}

// Editors and shells of Windows begin a text with a byte order mark, or write UTF-16.
func TestKeysFromOtherEditors(t *testing.T) {
	file, recipient, err := inbox.NewKey(crypto.X25519)
	must(t, err)
	armored := lock(t, file)
	binary, err := io.ReadAll(armor.NewReader(bytes.NewReader(armored)))
	must(t, err)
	inUTF16 := func(text []byte) []byte {
		b := []byte("\xff\xfe")
		for _, c := range text {
			b = append(b, c, 0)
		}
		return b
	}
	crlf := func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }
	for name, f := range map[string][]byte{
		"plain, mark":     slices.Concat([]byte("\ufeff"), file),
		"plain, UTF-16":   inUTF16(crlf(file)),
		"plain, zeros":    slices.Concat(crlf(file), make([]byte, 700)),
		"armored, mark":   slices.Concat([]byte("\ufeff"), crlf(armored)),
		"armored, UTF-16": inUTF16(crlf(armored)),
		"armored, zeros":  slices.Concat(armored, make([]byte, 700)),
		"binary":          binary,
		"binary, mark":    slices.Concat([]byte("\ufeff"), binary),
		"UTF-16 inside":   lock(t, inUTF16(file)),
	} {
		keys, err := inbox.ParseKeys(f, passphrase("p"))
		if err != nil || keys.Recipients()[0] != recipient {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := inbox.Locked(f), !strings.HasPrefix(name, "plain"); got != want {
			t.Errorf("%s: locked is %v", name, got)
		}
	}
	if _, err := inbox.ParseKeys(inUTF16(file)[:99], nil); !errors.Is(err, inbox.ErrNoKey) {
		t.Errorf("UTF-16 that breaks off: %v", err)
	}
}

// lock is [inbox.Lock] with the passphrase p, and with less work.
func lock(t *testing.T, file []byte) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient("p")
	must(t, err)
	r.SetWorkFactor(10)
	var b bytes.Buffer
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, r)
	must(t, err)
	_, err = w.Write(file)
	must(t, errors.Join(err, w.Close(), a.Close()))
	return b.Bytes()
}

func TestRefusedKeys(t *testing.T) {
	file, recipient, err := inbox.NewKey(crypto.X25519)
	must(t, err)
	secret := strings.Split(string(file), "\n")[1]
	r, err := age.ParseX25519Recipient(recipient)
	must(t, err)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, r)
	must(t, err)
	w.Write(file)
	must(t, w.Close())
	// A file that would need 2^30 of work.
	var heavy bytes.Buffer
	s, err := age.NewScryptRecipient("p")
	must(t, err)
	s.SetWorkFactor(2)
	w, err = age.Encrypt(&heavy, s)
	must(t, err)
	must(t, w.Close())
	slow := bytes.Replace(heavy.Bytes(), []byte(" 2\n"), []byte(" 30\n"), 1)

	other := "Q"
	if strings.HasSuffix(secret, other) {
		other = "P"
	}
	for what, file := range map[string]string{
		"nothing": "", "comments only": "# here\n\n", "a recipient": recipient, "rubbish": "\x00\xff\n",
		"a plugin": "AGE-PLUGIN-YUBIKEY-1QQQQ", "ssh": "-----BEGIN OPENSSH PRIVATE KEY-----\n",
		"lower case": strings.ToLower(secret), "a mistyped key": secret[:len(secret)-1] + other,
		"a key and rubbish": secret + "\nrubbish", "too long": strings.Repeat("#\n", 1<<20),
		"sealed to a key": sealed.String(), "too much work": string(slow),
		"cut armor": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
	} {
		_, err := inbox.ParseKeys([]byte(file), passphrase("p"))
		if !errors.Is(err, inbox.ErrNoKey) {
			t.Errorf("%s: %v", what, err)
		} else if strings.Contains(err.Error(), secret[20:40]) {
			t.Errorf("%s: the error repeats the key", what)
		}
	}
}

func FuzzKeys(f *testing.F) {
	file, _, err := inbox.NewKey(crypto.X25519)
	must(f, err)
	hybrid, _, err := inbox.NewKey(crypto.Hybrid)
	must(f, err)
	f.Add(file)
	f.Add(append(hybrid, file...))
	f.Add(append(slices.Clone(file), 0, 0))
	f.Add(append([]byte("\xef\xbb\xbf"), file...))
	var utf16 []byte
	for _, c := range file { // which is ASCII
		utf16 = append(utf16, c, 0)
	}
	f.Add(utf16)
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n"))
	f.Add([]byte("age-encryption.org/v1\n-> scrypt x 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		no := errors.New("no passphrase")
		keys, err := inbox.ParseKeys(b, func() (string, error) { return "", no })
		if err != nil {
			if !errors.Is(err, inbox.ErrNoKey) && !errors.Is(err, no) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		// What we take, age takes, and finds the same keys. It reads no UTF-16, no
		// byte order mark, and no zero bytes at the end: crypto.Text takes them away.
		text, err := crypto.Text(b)
		if err != nil {
			t.Fatalf("keys were found in what is no text: %v", err)
		}
		ids, err := age.ParseIdentities(bytes.NewReader(bytes.TrimSpace(trimLines(text))))
		if err != nil || len(ids) != len(keys.Recipients()) {
			t.Errorf("age finds %d keys, error %v; we found %d", len(ids), err, len(keys.Recipients()))
		}
	})
}

// trimLines drops comments and spaces, which age is stricter about.
func trimLines(b []byte) []byte {
	var out []byte
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			out = append(append(out, line...), '\n')
		}
	}
	return out
}

// A list of verdicts that was read and written is read as the same again.
func FuzzVerdicts(f *testing.F) {
	name := "c/" + strings.Repeat("ab", 32)
	f.Add([]byte(name + " 0123456789abcdef\n" + name + " broken\n"))
	f.Add([]byte("turn " + name + "\n\nc/00 broken"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, n := inbox.Verdicts(b)
		if _, again := inbox.Verdicts(out); again != n {
			t.Errorf("%d verdicts became %d", n, again)
		}
	})
}

// Lines that a crash tore, and those of an earlier version, are skipped.
func TestTornVerdicts(t *testing.T) {
	one, two := "c/"+strings.Repeat("1", 64), "c/"+strings.Repeat("2", 64)
	for list, want := range map[string]int{
		one + " 0123456789abcdef\n" + two + " broken\n":    2,
		one + " 01234567\n" + two + " broken\n":            1,
		one[:40] + "\n" + two + " 0123456789abcdef\n":      1,
		one + "\n" + two + "\n":                            0,
		one + " 0123456789ABCDEF\n" + two + " brokenish\n": 0,
		one + " broken": 1,
	} {
		if _, n := inbox.Verdicts([]byte(list)); n != want {
			t.Errorf("%q has %d verdicts, want %d", list, n, want)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"v":1,"drops":[{"drop":{"drop":"00","state":"complete","files":1},"letter":"` +
		strings.Repeat("ab", 32) + `","present":"` + strings.Repeat("A", 43) + `="}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		one, err := inbox.Index(b)
		if err != nil {
			return
		}
		two, err := inbox.Index(one)
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%q became %q, error %v", one, two, err)
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add("plain, درود\u200cها, \u202e, \x1b[2J, \xff, \u2028")
	f.Fuzz(func(t *testing.T, s string) {
		out := inbox.Escape(s)
		if !utf8.ValidString(out) || inbox.Escape(out) != out {
			t.Errorf("%q", out)
		}
		for _, r := range out {
			if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
				t.Errorf("%q holds %U", out, r)
			}
		}
	})
}

func TestFileName(t *testing.T) {
	for typ, want := range map[string]string{
		"image/jpeg": "01.jpg", "VIDEO/MP4; codecs=x": "01.mp4", "": "01.bin", "text/html": "01.bin",
		"../../x": "01.bin", "application/x-sh": "01.bin", "image/svg+xml": "01.bin",
	} {
		if got := inbox.FileName(1, typ); got != want {
			t.Errorf("%q gives %s, want %s", typ, got, want)
		}
	}
}
