package scrub

import (
	"bytes"
	"net/http"
	"strings"
)

// SniffLen is how many bytes from the start of a file Sniff looks at, at most.
const SniffLen = 512

// UnknownType is the type of everything that Sniff does not know.
const UnknownType = "application/octet-stream"

// Sniff returns the media type of a file that starts with these bytes, such as
// image/jpeg or video/mp4, without parameters. It knows what phones make, and
// what [http.DetectContentType] knows.
func Sniff(b []byte) string {
	b = b[:min(len(b), SniffLen)]
	if len(b) >= 12 && string(b[4:8]) == "ftyp" {
		return sniffBrand(b)
	}
	switch {
	case bytes.HasPrefix(b, []byte("\x1aE\xdf\xa3")):
		if bytes.Contains(b, []byte("matroska")) {
			return "video/x-matroska"
		}
		return "video/webm"
	case bytes.HasPrefix(b, []byte("OggS")):
		return "audio/ogg"
	case bytes.HasPrefix(b, []byte("fLaC")):
		return "audio/flac"
	case bytes.HasPrefix(b, []byte("#!AMR")):
		return "audio/amr"
	case len(b) >= 12 && string(b[8:12]) == "WAVE" &&
		(string(b[:4]) == "RIFF" || string(b[:4]) == "RF64" || string(b[:4]) == "BW64"):
		return "audio/wav"
	case len(b) > 3 && b[0] == 0xff && b[1]&0xe6 == 0xe2: // MPEG audio, layer III
		return "audio/mpeg"
	case len(b) > 7 && b[0] < ' ' && quickTimeStart[string(b[4:8])]: // high byte of a size, no letter of a text
		return "video/quicktime"
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return "application/zip"
	}
	typ, _, _ := strings.Cut(http.DetectContentType(b), ";")
	return typ
}

// quickTimeStart are the boxes that a QuickTime file from before the time of
// ftyp begins with.
var quickTimeStart = map[string]bool{"moov": true, "mdat": true, "wide": true, "free": true, "skip": true, "pnot": true}

// sniffBrand tells the relatives of MP4 apart by the brands that the file
// declares, the major one first.
func sniffBrand(b []byte) string {
	end := min(len(b), max(12, int(b[2])<<8|int(b[3])))
	fallback := "video/mp4"
	for i := 8; i+4 <= end; i += 4 {
		if i == 12 {
			continue // the minor version stands among the brands
		}
		switch brand := string(b[i : i+4]); {
		case brand == "heic" || brand == "heix" || brand == "hevc":
			return "image/heic"
		case brand == "avif" || brand == "avis":
			return "image/avif"
		case brand == "mif1" || brand == "msf1": // an image of some codec
			fallback = "image/heic"
		case brand == "qt  ":
			return "video/quicktime"
		case strings.HasPrefix(brand, "M4A") || brand == "M4B ":
			return "audio/mp4"
		case strings.HasPrefix(brand, "3gp") && i == 8:
			return "video/3gpp"
		case strings.HasPrefix(brand, "3g2") && i == 8:
			return "video/3gpp2"
		case brand == "mp41" || brand == "mp42" || brand == "isom" ||
			strings.HasPrefix(brand, "iso") || strings.HasPrefix(brand, "M4V"):
			return "video/mp4"
		}
	}
	return fallback
}
