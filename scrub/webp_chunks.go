package scrub

// features keeps VP8X: the size of the canvas, and flags for what is in the
// file. The flag for XMP is cleared, as XMP is zeroed.
func (w *webpFile) features(n int64) {
	const length, known, xmp = 10, 0x3e, 0x04
	if n != length {
		w.s.giveUp()
	}
	b := w.s.peek(8 + length)
	if len(b) == 8+length {
		b[8] &= known &^ xmp
		clear(b[9:12]) // reserved
		w.s.copy(8 + length)
		return
	}
	w.s.copy(8)
	w.s.zero(length) // cut off
}

// animation keeps background and number of repeats.
func (w *webpFile) animation(n int64) {
	const length = 6
	w.s.copy(8 + min(n, length))
	w.s.riffBlank(max(0, n-length), Other)
}

// frame keeps a frame of an animation: where and how long it is shown, then
// chunks.
func (w *webpFile) frame(n int64) {
	const length, known = 16, 0x03
	if n < length {
		w.s.giveUp()
	}
	end := w.s.pos + 8 + n
	if b := w.s.peek(8 + length); len(b) == 8+length {
		b[8+length-1] &= known
	}
	w.s.copy(8 + length)
	w.chunks(end, w.frameChunk)
}

// exif writes a block with the orientation alone over an Exif block.
func (w *webpFile) exif(n int64) {
	w.s.copy(8)
	o := w.s.noteExifChunk(n)
	if b := w.s.peek(tiffLen); n >= tiffLen && len(b) == tiffLen {
		copy(b, orientationOnly(o))
		w.s.copy(tiffLen)
		n -= tiffLen
	}
	w.s.zero(n)
}
