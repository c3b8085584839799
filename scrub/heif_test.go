package scrub_test

import (
	"bytes"
	"slices"
	"testing"

	"temoin/scrub"
)

func TestHEIFSamples(t *testing.T) { sampleTest(t, "heic", "heif", "avif") }

func FuzzHEIF(f *testing.F) {
	f.Add(heifMake(heifOptions{}))
	f.Add(heifMake(heifOptions{metaLast: true}))
	fuzzLaws(f, "heic", "avif")
}

// heifOptions are what may be unusual about a picture made by hand.
type heifOptions struct {
	metaLast, essential, thumbnailOfItself, relative bool
	primary                                          int
	primaryType                                      string
}

// heifNames are the bytes of each item, by its number.
var heifNames = []string{1: "MAIN-PICTURE", 2: "SECRETEXIF", 3: "SECRETTHUMB", 4: "SECRETDEPTH", 5: "SECRETTILE",
	6: "SEE-THROUGH", 7: "SECRETXMP", 8: "GRID-TILE", 9: "SECRETUNKNOWN", 10: "SECRETUNLISTED", 11: "SECRETEDGE"}

// heifMake makes a picture of a grid, a tile, alpha, and much that has to go:
// each item in mdat but Exif, which is in idat.
func heifMake(o heifOptions) []byte {
	ftyp := isoMake("ftyp", "heic", 0, "mif1heic")
	var mdat []byte
	at := []int{0}
	for i, n := range heifNames[1:] {
		at = append(at, len(mdat))
		if i+1 != 2 {
			mdat = append(mdat, n...)
		}
	}
	start := len(ftyp) + 8
	if !o.metaLast {
		start += len(heifMeta(o, at, 0))
	}
	parts := [][]byte{ftyp, heifMeta(o, at, start), isoMake("mdat", mdat)}
	if o.metaLast {
		parts[1], parts[2] = parts[2], parts[1]
	}
	return bytes.Join(append(parts, isoMake("mpvd", isoSecret)), nil)
}

func heifMeta(o heifOptions, at []int, start int) []byte {
	id := func(n int) string { return string([]byte{0, byte(n)}) }
	infe := func(n int, typ, rest string) []byte { return isoMake("infe", 2<<24, id(n), "\x00\x00", typ, rest) }
	ref := func(typ string, from int, to ...int) []byte {
		s := id(from) + id(len(to))
		for _, n := range to {
			s += id(n)
		}
		return isoMake(typ, s)
	}
	iloc := "\x44\x40" + id(len(at)-1) // widths of 4 bytes for offset, length, base
	for n := 1; n < len(at); n++ {
		method, from := 0, start
		if n == 2 {
			method, from = 1, 4
			at[n] = 0
		}
		if o.relative && n == 7 {
			method = 2
		}
		iloc += id(n) + id(method) + id(0) +
			string([]byte{byte(from >> 24), byte(from >> 16), byte(from >> 8), byte(from)}) + id(1) +
			"\x00\x00" + id(at[n]) + "\x00\x00" + id(len(heifNames[n]))
	}
	primary, mainType := max(1, o.primary), "grid"
	if o.primaryType != "" {
		mainType = o.primaryType
	}
	udes := "\x05"
	if o.essential {
		udes = "\x85"
	}
	thumb := ref("thmb", 3, 1)
	if o.thumbnailOfItself {
		thumb = ref("thmb", 1, 3)
	}
	return isoMake("meta", 0, isoMake("hdlr", 0, 0, "pict", isoSecret+"!!!!", isoSecret),
		isoMake("pitm", 0, id(primary), isoSecret[:7]),
		isoMake("iinf", 0, id(10), infe(1, mainType, isoSecret+"\x00"), infe(2, "Exif", isoSecret+"\x00"),
			infe(3, "hvc1", "\x00"), infe(4, "grid", "\x00"), infe(5, "hvc1", "\x00"), infe(6, "hvc1", "\x00"),
			infe(7, "mime", "\x00text/"+isoSecret+"\x00"), infe(8, "hvc1", "\x00"),
			infe(9, "what", ""), infe(11, "hvc1", "\x00")),
		isoMake("iref", 0, ref("dimg", 1, 8), thumb, ref("auxl", 4, 1), ref("dimg", 4, 5), ref("auxl", 6, 1),
			ref("auxl", 11, 3), ref("cdsc", 2, 1)),
		isoMake("iprp", isoMake("ipco", isoMake("hvcC", "CONFIG"), isoMake("ispe", 0, 64, 64, isoSecret),
			isoMake("auxC", 0, "urn:mpeg:hevc:2015:auxid:1\x00", isoSecret),
			isoMake("auxC", 0, "urn:mpeg:hevc:2015:auxid:2\x00", isoSecret),
			isoMake("udes", 0, isoSecret), isoMake("irot", "\x01", isoSecret)),
			isoMake("ipma", 0, 4, id(1), "\x04\x81\x82"+udes+"\x06", id(4), "\x02\x81\x84", id(6), "\x02\x81\x83",
				id(11), "\x02\x81\x83", isoSecret), isoMake("what", isoSecret)),
		isoMake("idat", "GRID", heifNames[2]),
		isoMake("grpl", isoMake("altr", 0, 7, 2, 1, 6, isoSecret), isoMake("altr", 0, 8, 2, 1, 4),
			isoMake("what", isoSecret)),
		isoMake("uuid", "0123456789abcdef", isoSecret),
		isoMake("iloc", 1<<24, iloc, isoSecret))
}

func TestHEIFSecrets(t *testing.T) {
	for _, o := range []heifOptions{{}, {metaLast: true}} {
		in := heifMake(o)
		laws(t, in)
		out, rep := cleanFile(t, in)
		if rep.Details != scrub.Removed {
			t.Fatalf("%+v: %v", o, rep)
		}
		if i := bytes.Index(out, []byte("SECRET")); i >= 0 {
			t.Errorf("%+v: a secret is left at %d: %q", o, i, out[max(0, i-40):i+16])
		}
		for what, n := range map[string]int{"MAIN-PICTURE": 1, "SEE-THROUGH": 1, "GRID-TILE": 1, "GRID": 2,
			"grid": 1, "hvc1": 2, "skip": 7, "hvcC": 1, "CONFIG": 1, "ispe": 1, "irot\x01": 1, "auxC": 1,
			"auxid:1\x00": 1, "auxid:2": 0, "udes": 0, "\x04\x81\x82\x00\x06": 1, "\x02\x81\x00": 1, "altr": 1, "iref": 1} {
			if got := bytes.Count(out, []byte(what)); got != n {
				t.Errorf("%+v: %q is there %d times, want %d", o, what, got, n)
			}
		}
		for _, c := range []string{scrub.Preview, scrub.Embedded} {
			if !slices.Contains(rep.Removed, c) {
				t.Errorf("%+v: %s is not in the report: %v", o, c, rep)
			}
		}
		if _, rep := clean(t, in); o.metaLast != (rep.Details == scrub.Partly) {
			t.Errorf("%+v in one pass: %v", o, rep)
		}
	}
}

// The picture itself is never removed, whatever is said about it; where it is
// not known how to show or to clean it, the file stays as it is.
func TestHEIFUnusual(t *testing.T) {
	for _, c := range []struct {
		o    heifOptions
		want string
	}{
		{heifOptions{thumbnailOfItself: true}, scrub.Removed},
		{heifOptions{essential: true}, scrub.Unknown},
		{heifOptions{relative: true}, scrub.Unknown},
		{heifOptions{primary: 99}, scrub.Unknown},
		{heifOptions{primary: 2}, scrub.Unknown},
		{heifOptions{primaryType: "jpeg"}, scrub.Unknown},
		{heifOptions{primary: 3}, scrub.Removed},
	} {
		in := heifMake(c.o)
		laws(t, in)
		out, rep := cleanFile(t, in)
		if rep.Details != c.want {
			t.Errorf("%+v: %v, want %s", c.o, rep, c.want)
		}
		if c.want == scrub.Unknown && !bytes.Equal(in, out) {
			t.Errorf("%+v: changed all the same, at %d", c.o, differ(in, out))
		}
		if !bytes.Contains(out, []byte("MAIN-PICTURE")) {
			t.Errorf("%+v: the picture is gone", c.o)
		}
	}
}

func TestHEIFCutAndLies(t *testing.T) {
	in := heifMake(heifOptions{})
	meta := bytes.Index(in, []byte("mdat")) - 4
	for n := range in {
		if n%9 == 0 {
			laws(t, in[:n])
		}
		out, rep := cleanFile(t, in[:n])
		if whole := n == meta || n >= meta+8; whole != (rep.Details == scrub.Removed) {
			t.Errorf("cut at %d: %v", n, rep)
		}
		if rep.Details == scrub.Removed && bytes.Contains(out, []byte("SECRET")) {
			t.Errorf("cut at %d: a secret is left", n)
		}
	}
	for i := range len(in) - 4 {
		lie := bytes.Clone(in)
		copy(lie[i:], "\xff\xff\xff\xff")
		if i%9 == 0 {
			laws(t, lie)
		} else {
			clean(t, lie)
			cleanFile(t, lie)
		}
	}
}

// A chain of thousands of pictures, each made of the next, must not cost a pass
// over all of them for each level.
func TestHEIFChains(t *testing.T) {
	b2 := func(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }
	var infe, iref []byte
	const n = 2000
	for i := 1; i <= n; i++ {
		infe = append(infe, isoMake("infe", 2<<24, b2(i), "\x00\x00", "iden", "\x00")...)
		iref = append(iref, isoMake("dimg", b2(i), b2(1), b2(i%n+1))...)
	}
	iref = append(iref, isoMake("thmb", b2(n), b2(1), b2(1))...)
	in := bytes.Join([][]byte{isoMake("ftyp", "heic", 0), isoMake("meta", 0, isoMake("hdlr", 0, 0, "pict", zeros(13)),
		isoMake("pitm", 0, b2(1)), isoMake("iinf", 0, b2(n), infe), isoMake("iref", 0, iref)), isoMake("mdat", "x")}, nil)
	laws(t, in)
}
