package scrub

// extension takes an extension by its label.
func (g *gifFile) extension(label byte) {
	switch label {
	case gifControl:
		b := g.s.peek(8)
		if len(b) == 8 && b[2] == 4 && b[7] == 0 {
			g.s.copy(8)
			return
		}
	case gifApplication:
		if b := g.s.peek(14); len(b) == 14 && b[2] == 11 && gifRepeats[string(b[3:])] {
			g.repeat()
			return
		}
	}
	g.drop(label)
}

// gifRepeats are the two names of the application extension that says how often
// the animation repeats (its loop count).
var gifRepeats = map[string]bool{"NETSCAPE2.0": true, "ANIMEXTS1.0": true}

// repeat keeps the loop count of this extension and nothing else.
func (g *gifFile) repeat() {
	keep := append([]byte(nil), g.s.peek(14)...)
	g.s.skip(14)
	some := false
	for {
		b := g.s.peek(4)
		if len(b) == 0 || b[0] == 0 {
			break
		}
		if !some && len(b) == 4 && b[0] == 3 && b[1] == 1 {
			keep, some = append(keep, b...), true
		} else {
			g.s.found(Other)
		}
		g.s.skip(1 + int64(b[0]))
	}
	g.s.skip(1)
	if some {
		g.s.write(append(keep, 0))
	}
}

// drop drops an extension and notes what it told.
func (g *gifFile) drop(label byte) {
	g.s.skip(2)
	switch label {
	case gifComment:
		g.s.found(Text)
	case gifPlainText:
		g.s.found(Text)
	case gifApplication:
		g.s.noteNext(4<<10, Other)
	case gifControl: // not as the standard has it: of no use to decoders
	default:
		g.s.found(Other)
	}
	g.blocks(g.s.skip)
}
