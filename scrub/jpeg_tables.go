package scrub

// jpegTables are the segments that decoding needs. Each function reports
// whether the content, without marker and length, is as long as it itself says.
var jpegTables = map[byte]func([]byte) bool{
	0xc0: jpegFrame, 0xc1: jpegFrame, 0xc2: jpegFrame, 0xc3: jpegFrame,
	0xc4: jpegHuffman,
	0xc5: jpegFrame, 0xc6: jpegFrame, 0xc7: jpegFrame,
	0xc9: jpegFrame, 0xca: jpegFrame, 0xcb: jpegFrame,
	0xcc: jpegArithmetic,
	0xcd: jpegFrame, 0xce: jpegFrame, 0xcf: jpegFrame,
	jpegSOS: jpegScanHead,
	0xdb:    jpegQuantization,
	0xdc:    jpegSized(2), // DNL: number of lines
	0xdd:    jpegSized(2), // DRI: restart interval
	0xde:    jpegFrame,    // DHP: hierarchical progression
	0xdf:    jpegSized(1), // EXP: expand the reference
}

func jpegSized(n int) func([]byte) bool {
	return func(b []byte) bool { return len(b) == n }
}

func jpegFrame(b []byte) bool { return len(b) > 6 && len(b) == 6+3*int(b[5]) }

func jpegScanHead(b []byte) bool { return len(b) > 4 && len(b) == 4+2*int(b[0]) }

// jpegArithmetic checks DAC, pairs of a destination and a value. There are two
// classes of sixteen destinations, so at most 32 pairs.
func jpegArithmetic(b []byte) bool { return len(b)%2 == 0 && len(b) <= 64 }

func jpegQuantization(b []byte) bool {
	for len(b) > 0 {
		n := 1 + 64
		if b[0]>>4 != 0 { // 16 bits for each value
			n += 64
		}
		if b[0]>>4 > 1 || len(b) < n {
			return false
		}
		b = b[n:]
	}
	return true
}

func jpegHuffman(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 {
			return false
		}
		n := 17
		for _, c := range b[1:17] {
			n += int(c)
		}
		if n > 17+256 || len(b) < n {
			return false
		}
		b = b[n:]
	}
	return true
}
