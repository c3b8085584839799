package scrub

import "bytes"

// Encoders write who they are into the coded picture and sound: x264 and x265
// all of their settings, which tell one program and its version from another,
// Lavc and LAME their version. These signatures stand near the start.
//
// A signature is overwritten with spaces where it stands. Not with zeros: in
// H.264 and H.265 two zeros in a row begin a start code or an escape. Decoders
// skip what stands there.

const (
	encoderReach = 1 << 20  // how far into the media signatures are looked for
	encoderBlock = 16 << 10 // how much of it at a time
	encoderRun   = 2048     // the longest signature
)

// encoderUUIDs mark the SEI messages (user data, unregistered) in which x264
// and x265 write their text.
var encoderUUIDs = [][]byte{
	[]byte("\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xef"),
	[]byte("\x2c\xa2\xde\x09\xb5\x17\x47\xdb\xbb\x55\xa4\xfe\x7f\xc2\xfc\x4e"),
}

// copyMedia copies the next n bytes, which are coded pictures and sound, and
// takes the signatures of encoders out of their first MiB. It returns how many
// bytes there were.
func (s *stream) copyMedia(n int64) int64 {
	var done int64
	for done < min(n, encoderReach) {
		want := min(n-done, encoderBlock+16+encoderRun)
		b := s.peek(want)
		block := min(len(b), encoderBlock)
		if block == 0 {
			return done
		}
		if s.blankEncoder(b, block) {
			s.found(Software)
		}
		done += s.copy(int64(block))
	}
	return done + s.copy(n-done)
}

// blankEncoder overwrites the signatures that start within the first n bytes of
// b and reports whether that changed anything.
func (s *stream) blankEncoder(b []byte, n int) (some bool) {
	for _, v := range []struct {
		sign string
		size func([]byte) int
	}{{"Lavc", lavVersion}, {"Lavf", lavVersion}, {"LAME3.", lameVersion}} {
		encoderEach(b, n, []byte(v.sign), func(b []byte) {
			if k := v.size(b); k > 0 {
				encoderSpaces(b[:k])
				some = true
			}
		})
	}
	for _, id := range encoderUUIDs {
		encoderEach(b, n, id, func(b []byte) {
			text := b[len(id):]
			if encoderSpaces(text[:encoderText(text)]) {
				some = true
			}
		})
	}
	return some
}

// encoderEach calls f with what starts at each place of what within the first n bytes
// of b.
func encoderEach(b []byte, n int, what []byte, f func([]byte)) {
	for from := 0; ; {
		i := bytes.Index(b[from:min(len(b), n+len(what)-1)], what)
		if i < 0 {
			return
		}
		f(b[from+i:])
		from += i + len(what)
		if from >= n {
			return
		}
	}
}

// encoderText is how long a run of printable ASCII b starts with.
func encoderText(b []byte) int {
	for i, c := range b[:min(len(b), encoderRun)] {
		if c < ' ' || c > '~' {
			return i
		}
	}
	return min(len(b), encoderRun)
}

// lavVersion is the length of a version such as Lavc58.134.100 at the start of b,
// or 0. The whole shape is asked for, since the four letters alone turn up in
// coded pictures by chance.
func lavVersion(b []byte) int {
	at := 4
	for i, most := range []int{2, 3, 3} {
		if i > 0 {
			if at >= len(b) || b[at] != '.' {
				return 0
			}
			at++
		}
		k := encoderDigits(b[at:], most)
		if k == 0 {
			return 0
		}
		at += k
	}
	return at
}

// lameVersion is the length of a signature such as LAME3.98.4 at the start of b,
// or 0. LAME fills up what is left of a frame with it and then with one letter.
// Where the room ends within the signature, sound follows at once, and a byte of
// it can look like one more digit: without the filler it stays.
func lameVersion(b []byte) int {
	const most = len("LAME3.99.5") + 2
	n := len("LAME3.")
	for n < min(most, len(b)) && (b[n] == '.' || b[n] >= '0' && b[n] <= '9' || b[n] >= 'a' && b[n] <= 'z') {
		n++
	}
	for _, filler := range []string{"UUU", "\xaa\xaa\xaa"} {
		if bytes.HasPrefix(b[n:], []byte(filler)) {
			return n
		}
	}
	return 0
}

func encoderDigits(b []byte, most int) int {
	n := 0
	for n < min(most, len(b)) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

// encoderSpaces overwrites b with spaces and reports whether that changed it.
func encoderSpaces(b []byte) (some bool) {
	for i := range b {
		some = some || b[i] != ' '
		b[i] = ' '
	}
	return some
}
