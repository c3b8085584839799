package inbox_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/inbox"
)

// sealTar seals entries as an object of 65,536 bytes, in the spelling of the
// format, without the help of package crypto: it would refuse these.
func sealTar(t testing.TB, to *crypto.Recipients, entries [][2]string) []byte {
	t.Helper()
	capacity := crypto.SmallObject - crypto.HeaderSize(crypto.X25519, len(to.Strings())) - 16 - 16
	var b bytes.Buffer
	for _, e := range entries {
		writeEntry(&b, '0', e[0], e[1])
	}
	gap := capacity - b.Len() - 1024
	record := (gap - 512) &^ 511
	head := fmt.Sprintf("%d comment=", record)
	writeEntry(&b, 'g', "pad", head+strings.Repeat("a", record-len(head)-1)+"\n")
	b.Write(make([]byte, capacity-b.Len()))
	return sealTo(t, b.Bytes(), to.Strings()...)
}

func writeEntry(b *bytes.Buffer, typ byte, name, data string) {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000600\x000000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", len(data)))
	h[156] = typ
	copy(h[257:], "ustar\x0000")
	copy(h[329:], "0000000\x000000000\x00")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	b.Write(h)
	b.WriteString(data)
	b.Write(make([]byte, -len(data)&511))
}

func sealTo(t testing.TB, plain []byte, recipients ...string) []byte {
	t.Helper()
	var to []age.Recipient
	for _, s := range recipients {
		r, err := age.ParseX25519Recipient(s)
		must(t, err)
		to = append(to, r)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	must(t, err)
	_, err = w.Write(plain)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func forgeIndex(t testing.TB, keys *inbox.Keys, letter string) []byte {
	t.Helper()
	text := make([]byte, 32)
	text = append(text,
		`{"v":1,"drops":[{"drop":{"drop":"00000000000000000000000000000000","state":"complete"},"letter":"`+
			letter[2:]+`"}]}`...)
	return sealTo(t, text, keys.Recipients()[0])
}
