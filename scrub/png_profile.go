package scrub

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// pngProfileName replaces the name of a colour profile, in which any text can
// be hidden.
const pngProfileName = "icc"

// profile keeps the colour profile in a chunk of n bytes, under another name.
// One without a name is dropped, as decoders ignore it.
func (p *pngFile) profile(n int64) {
	const longest = 80 // of a name, with the zero at its end
	b := p.s.peek(8 + min(n, longest))[8:]
	name := bytes.IndexByte(b, 0)
	if name < 1 || int64(name)+2 > n {
		p.drop("iCCP", n)
		return
	}
	p.seen["iCCP"] = true
	before := crc32.ChecksumIEEE(append([]byte("iCCP"), b[:name]...))
	after := crc32.ChecksumIEEE([]byte("iCCP" + pngProfileName))
	p.s.skip(int64(8 + name))
	rest := n - int64(name)
	p.s.write(binary.BigEndian.AppendUint32(nil, uint32(int64(len(pngProfileName))+rest)))
	p.s.write([]byte("iCCP" + pngProfileName))
	p.s.each(rest, func(b []byte) {
		before = crc32.Update(before, crc32.IEEETable, b)
		after = crc32.Update(after, crc32.IEEETable, b)
		p.s.write(b)
	})
	if b := p.s.peek(4); len(b) == 4 {
		if binary.BigEndian.Uint32(b) != before {
			after = ^after // it was wrong: decoders ignored the profile, and must go on ignoring it
		}
		p.s.write(binary.BigEndian.AppendUint32(nil, after))
	}
	p.s.skip(4)
}
