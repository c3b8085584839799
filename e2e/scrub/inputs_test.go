package scrub

import (
	"bytes"
	"encoding/binary"
)

// hugeSizes are files with sizes near to the largest that there can be, within
// one another: most of what is near to it is refused, some is not.
func hugeSizes() (all [][]byte) {
	box := func(typ string, size uint64, body ...[]byte) []byte {
		return join([]byte("\x00\x00\x00\x01"+typ), binary.BigEndian.AppendUint64(nil, size), join(body...))
	}
	element := func(id string, size uint64, body ...[]byte) []byte {
		return join([]byte(id), binary.BigEndian.AppendUint64(nil, size|1<<56), join(body...))
	}
	ftyp := []byte("\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isom")
	moov := []byte("\x00\x00\x00\x08moov")
	track := []byte("\x16\x54\xae\x6b\x88\xae\x86\xd7\x81\x01\x83\x81\x01")
	ebml := []byte("\x1a\x45\xdf\xa3\x87\x42\x82\x84webm")
	for _, n := range []uint64{1 << 53, 1 << 56, 1 << 61, 1 << 62, 1 << 63} {
		for outer := n - 40; outer < n+2; outer++ {
			all = append(all, join(ftyp, []byte("\x00\x00\x00\x00moov"), box("udta", outer, []byte("SECRET"))))
			all = append(all, join(ftyp, moov, []byte("\x00\x00\x00\x00mfra"), box("udta", outer, []byte("SECRET"))))
			if outer%3 != 0 {
				continue
			}
			for _, less := range []uint64{0, 1, 7, 8, 9, 15, 16, 17, 18, 31} {
				inner := outer - less
				all = append(all, join(ftyp, box("moov", outer, box("mvex", inner, box("free", inner-16)))))
				all = append(all, join(ftyp, moov, box("mfra", outer, box("udta", inner, []byte("SECRET")))))
				if outer < 1<<56 {
					all = append(all, join(ebml, element("\x18\x53\x80\x67", outer, track, element("\x12\x54\xc3\x67", inner))))
				}
			}
		}
	}
	return all
}

// limits are files on both sides of what scrub is ready to remember, to hold in
// memory, and to look through.
func limits() (all [][]byte) {
	be := binary.BigEndian
	box := func(typ string, body ...[]byte) []byte {
		b := join(body...)
		return join(be.AppendUint32(nil, uint32(8+len(b))), []byte(typ), b)
	}
	zeros := func(n int) []byte { return make([]byte, n) }
	ftyp := box("ftyp", []byte("isom\x00\x00\x00\x00isom"))
	// A track of text of which each sample is a piece of its own, and more in it.
	text := func(samples, from int, more []byte) []byte {
		stco := be.AppendUint32(zeros(4), uint32(samples))
		for i := range samples {
			stco = be.AppendUint32(stco, uint32(from+2*i))
		}
		hdlr := box("hdlr", zeros(8), []byte("text"), zeros(13))
		stbl := box("stbl", box("stsz", be.AppendUint32([]byte("\x00\x00\x00\x00\x00\x00\x00\x01"), uint32(samples))),
			box("stsc", []byte("\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01")), box("stco", stco))
		return box("moov", box("trak", box("tkhd", zeros(84)), box("mdia", hdlr, box("minf", stbl)), more))
	}
	for _, n := range []int{40_000, 65_536, 65_537, 70_000} { // behind the end: to cut a file into so many pieces takes half a minute
		all = append(all, join(ftyp, box("mdat", []byte("media")), text(n, 1<<30, nil)))
	}
	for _, n := range []int{9 << 20, 17 << 20} {
		all = append(all, join(ftyp, box("mdat", []byte("media")), text(1, 28, box("free", zeros(n)))))
	}
	// What is changed stands where one read of the page ends and the next begins.
	mvhd := box("mvhd", zeros(4), bytes.Repeat([]byte{0xee}, 8), zeros(88))
	for far := 0; far < 160; far += 8 {
		all = append(all, join(ftyp, box("free", zeros(32<<10-36-far)), box("moov", mvhd, box("free", zeros(900)))))
	}
	signed := join([]byte("Lavc58.134.100"), bytes.Repeat([]byte("s"), 9993))
	return append(all, join(ftyp, box("mdat", bytes.Repeat(signed, 120)), text(500, 28, nil)))
}

// heads are the starts of files of all types that there are, and of some that
// there are not.
func heads() (all [][]byte) {
	for _, h := range []string{
		"", "a", " ", "words\n", "words\x1b", "words\x0b", "words\xff", "<html>", "\n <HtMl lang", "<b", "<b>", "<br/>", "<br >", "<!-- ", "<!DOCTYPE html>", " <?xml ",
		"%PDF-1.7", "%!PS-Adobe-3.0", "\xfe\xffab", "\xfe\xffa", "\xff\xfeab", "\xff\xfea", "\xef\xbb\xbfa", "\xef\xbb\xbf", "\x00\x00\x01\x00", "\x00\x00\x02\x00", "BM",
		"GIF87a", "GIF88a", "RIFFsizeWEBPVP8 ", "RIFFsizeWEBP", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "\xff\xd8", "FORMsizeAIFF", "ID3", "MThd\x00\x00\x00\x06", "RIFFsizeAVI ",
		"RIFFsizeWAVE", "RF64sizeWAVE", "BW64sizeWAVE", "RIFXsizeWAVE", "thirty-four bytes before two lettersLP", "0123456789012345678901234567890123LP", "\x00\x01\x00\x00", "OTTO", "ttcf",
		"wOFF", "wOF2", "\x1f\x8b\x08", "PK\x03\x04", "Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00", "\x00asm", "#!AMR\n", "fLaC", "OggS", "\x1aE\xdf\xa3", "\x1aE\xdf\xa3 matroska",
		"\xff\xfb\x90\x00", "\xff\xfb\x90", "\xff\xf9\x90\x00", "\xff\xe2\x90\x00", "\x00\x00\x00\x08moov", "\x00\x00\x00\x08wide", "\x00\x00\x00\x08pnot", "size" + "moov", "\x00\x00\x00\x08moo",
	} {
		all = append(all, []byte(h))
	}
	for _, brand := range []string{"heic", "heix", "hevc", "avif", "avis", "mif1", "msf1", "qt  ", "M4A ", "M4AB", "M4B ", "M4BA", "3gp4", "3gpx", "3g2a", "mp41", "mp42", "isom", "iso6", "M4V ", "none"} {
		for _, second := range []string{"", "\x00\x00\x00\x00isom", "\x00\x00\x00\x00heic", "heic", "\x00\x00\x00\x003gp4avif", "\x00\x00\x00\x00none"} {
			body := "ftyp" + brand + second
			all = append(all, join([]byte{0, 0, 0, byte(4 + len(body))}, []byte(body)), []byte("\x00\x00\x00\x08"+body))
		}
	}
	return all
}
