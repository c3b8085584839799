package scrub

import "encoding/binary"

// oggCRCs are tables to take eight bytes of a page at once.
var oggCRCs = func() (t [8][256]uint32) {
	const poly = 0x04C11DB7
	for i := range t[0] {
		c := uint32(i) << 24
		for range 8 {
			if c&(1<<31) != 0 {
				c = c<<1 ^ poly
			} else {
				c <<= 1
			}
		}
		t[0][i] = c
	}
	for i := range t[0] {
		for k := 1; k < 8; k++ {
			c := t[k-1][i]
			t[k][i] = c<<8 ^ t[0][c>>24]
		}
	}
	return t
}()

// oggCRC is the checksum of a page, whose own field for it is zero.
func oggCRC(b []byte) (c uint32) {
	t := &oggCRCs
	for ; len(b) >= 8; b = b[8:] {
		h := c ^ binary.BigEndian.Uint32(b)
		c = t[7][h>>24] ^ t[6][h>>16&0xFF] ^ t[5][h>>8&0xFF] ^ t[4][h&0xFF] ^
			t[3][b[4]] ^ t[2][b[5]] ^ t[1][b[6]] ^ t[0][b[7]]
	}
	for _, x := range b {
		c = c<<8 ^ t[0][byte(c>>24)^x]
	}
	return c
}
