package inbox

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes foreign text safe for one line of a terminal: control
// characters, ANSI sequences, line breaks, marks that reorder text, and
// invisible characters become visible escapes. Joiners stay, because Persian
// and many other scripts need them.
func Escape(s string) string {
	var b strings.Builder
	for i, w := 0, 0; i < len(s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && w == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case shows(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// shows reports whether r may reach a terminal as it is: a graphic character, a
// plain space, or a joiner.
func shows(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	return r == ' ' || r == zeroWidthNonJoiner || r == zeroWidthJoiner ||
		unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r)
}

// EscapeJSON replaces the same characters inside JSON text by JSON's own
// escapes, which change nothing of what it says. Line feeds between values
// stay.
func EscapeJSON(b []byte) []byte {
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r == '\n' || shows(r):
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return []byte(out.String())
}

// extensions is all that a file's media type can become. Anything else, and
// anything that a double click would run, is .bin.
var extensions = map[string]string{
	"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp",
	"image/heic": "heic", "image/heif": "heif", "image/avif": "avif", "image/tiff": "tif", "image/bmp": "bmp",
	"video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm", "video/3gpp": "3gp", "video/3gpp2": "3g2",
	"video/x-matroska": "mkv", "video/x-msvideo": "avi", "video/mpeg": "mpg",
	"audio/mp4": "m4a", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/webm": "weba", "audio/wav": "wav",
	"audio/x-wav": "wav", "audio/aac": "aac", "audio/flac": "flac", "audio/amr": "amr", "audio/3gpp": "3gp",
	"text/plain": "txt", "application/pdf": "pdf",
}

// fileName returns the name that file n gets on the coordinator's disk. The sender
// can only choose an extension from the table: a name of theirs could lead out of
// the folder (path traversal), or end in .exe.
func fileName(n int, mediaType string) string {
	mediaType, _, _ = strings.Cut(strings.ToLower(mediaType), ";")
	ext, ok := extensions[strings.TrimSpace(mediaType)]
	if !ok {
		ext = "bin"
	}
	return fmt.Sprintf("%02d.%s", n, ext)
}
