package attack

import (
	"encoding/binary"
	"strings"
)

// film is the beginning of an MP4 whose tables list as many pieces of telemetry as are
// remembered, and whose last track, which is looked at as a whole, does not come to its end.
func film() string {
	const pieces = 10_000
	var offsets, defaults strings.Builder
	for i := range pieces {
		offsets.WriteString(u32(1<<20 + 8*i))
	}
	for i := range 1000 {
		defaults.WriteString(mp4("trex", u32(0, i, 1, 0, 7, 0)))
	}
	first := telemetry(1, mp4("stbl", mp4("stsd", u32(0, 1), mp4("gpmd")), mp4("stsc", u32(0, 1, 1, 1, 1)),
		mp4("stsz", u32(0, 4, pieces)), mp4("stco", u32(0, pieces), offsets.String())))
	last := telemetry(2, mp4("stbl", strings.Repeat("\x00", 64_000)))
	moov := mp4("moov", first, mp4("mvex", defaults.String()), last)
	return mp4("ftyp", "mp42", u32(0), "mp42") + moov[:len(moov)-40_000]
}

// telemetry is a track that is no picture and no sound.
func telemetry(id int, stbl string) string {
	return mp4("trak", mp4("tkhd", u32(0, 0, 0, id), strings.Repeat("\x00", 68)),
		mp4("mdia", mp4("hdlr", u32(0, 0), "meta", u32(0, 0, 0)), mp4("minf", stbl)))
}

// mp4 is a box.
func mp4(name string, parts ...string) string {
	body := strings.Join(parts, "")
	return u32(8+len(body)) + name + body
}

func u32(all ...int) string {
	var b []byte
	for _, n := range all {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return string(b)
}
