package scrub

// Blocks of GIF, by their first byte, and extensions, by their second.
const (
	gifImage     = 0x2c
	gifExtension = 0x21
	gifTrailer   = 0x3b

	gifControl     = 0xf9
	gifApplication = 0xff
	gifPlainText   = 0x01
	gifComment     = 0xfe
)

// A gifFile is a GIF on its way through.
type gifFile struct{ s *stream }

// gif keeps pictures, their timing, and how often they repeat. Comments, texts,
// data of applications and what follows the trailer goes.
func gif(s *stream) {
	g := gifFile{s: s}
	g.screen()
	for {
		b := s.peek(2)
		switch {
		case len(b) == 0: // cut off
			return
		case b[0] == gifImage:
			g.image()
		case b[0] == gifExtension && len(b) == 2:
			g.extension(b[1])
		default: // the trailer, or no block at all: decoders stop there too
			g.end()
			return
		}
	}
}

// screen copies the header, the size of the screen, and the colours.
func (g *gifFile) screen() {
	const length = 13
	colours := int64(0)
	if b := g.s.peek(length); len(b) == length {
		colours = gifColours(b[10])
	}
	g.s.copy(length + colours)
}

// gifColours returns how many bytes of colours follow, by the flags of a screen
// or of an image.
func gifColours(flags byte) int64 {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// image copies an image: where it stands, its colours, the size of its codes,
// and the codes.
func (g *gifFile) image() {
	const length = 10
	colours := int64(0)
	if b := g.s.peek(length); len(b) == length {
		colours = gifColours(b[9])
	}
	g.s.copy(length + colours + 1)
	g.blocks(g.s.copy)
}

// blocks takes sub-blocks, each after its length, up to an empty one. It moves
// as many at a time as the window holds.
func (g *gifFile) blocks(take func(int64) int64) {
	for {
		b := g.s.next(all)
		if len(b) == 0 {
			return
		}
		at, last := 0, false
		for at < len(b) && !last {
			last = b[at] == 0
			at += 1 + int(b[at])
		}
		take(int64(at))
		if last {
			return
		}
	}
}

// end writes the trailer and drops the rest, the old trailer with it.
func (g *gifFile) end() {
	if b := g.s.peek(1); b[0] == gifTrailer {
		g.s.skip(1)
	}
	g.s.write([]byte{gifTrailer})
	g.s.dropTail()
}
