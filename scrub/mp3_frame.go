package scrub

// An mp3Key is what frames of one stream have in common: the version, the
// layer, the sampling rate. It is not 0.
type mp3Key uint16

// An mp3Header is the head of a frame of MPEG sound.
type mp3Header struct {
	key  mp3Key
	size int // of the frame with its head, in bytes
	side int // from the head to the main data, in layer III without a checksum; otherwise 0
}

// mp3Rates are the bit rates in kbit/s: of MPEG 1 in the layers I, II and III,
// then of MPEG 2 in layer I and in the others.
var mp3Rates = [5][15]int{
	{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
}

var mp3Sampling = [3]int{44100, 48000, 32000}

// mp3Head reads the head of a frame, if b begins with one that tells its size.
func mp3Head(b []byte) (h mp3Header, ok bool) {
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE0 != 0xE0 {
		return h, false
	}
	version := b[1] >> 3 & 3 // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
	layer := 4 - b[1]>>1&3
	rate, sampling := b[2]>>4, b[2]>>2&3
	if version == 1 || layer == 4 || rate == 0 || rate == 15 || sampling == 3 {
		return h, false
	}
	h.key = mp3Key(b[1]&0x1E)<<8 | mp3Key(b[2]&0x0C)
	h.size, h.side = mp3Size(version, layer, rate, sampling, b[2]>>1&1, b[3]>>6 == 3)
	return h, true
}

func mp3Size(version, layer, rate, sampling, padding byte, mono bool) (size, side int) {
	hz := mp3Sampling[sampling]
	row := layer - 1
	if version != 3 {
		hz /= 2
		row = min(layer+2, 4)
		if version == 0 {
			hz /= 2
		}
	}
	bits := mp3Rates[row][rate] * 1000
	switch {
	case layer == 1:
		return (12*bits/hz + int(padding)) * 4, 0
	case layer == 2:
		return 144*bits/hz + int(padding), 0
	case version == 3 && mono, version != 3 && !mono:
		side = 17
	case version == 3:
		side = 32
	default:
		side = 9
	}
	if version != 3 {
		return 72*bits/hz + int(padding), side
	}
	return 144*bits/hz + int(padding), side
}

// mp3Free reports whether b begins with a frame of free format.
func mp3Free(b []byte) bool {
	if b[2]>>4 != 0 {
		return false
	}
	fixed := [4]byte{b[0], b[1], b[2] | 0x10, b[3]}
	_, ok := mp3Head(fixed[:])
	return ok
}
