package profile

import (
	"bytes"
	"encoding/binary"
)

// repeat appends n bytes from back bytes ago, which may overlap with themselves.
func repeat(out []byte, back, n int) ([]byte, bool) {
	if back <= 0 || back > len(out) || n > 64<<20 {
		return out, false
	}
	for range n {
		out = append(out, out[len(out)-back])
	}
	return out, true
}

// unLZ4 unpacks a block of LZ4, as far as it goes.
func unLZ4(in []byte) (out []byte) {
	for len(in) > 0 {
		token := in[0]
		in = in[1:]
		literals, rest := lz4Length(int(token>>4), in)
		if in = rest; literals > len(in) {
			return append(out, in...)
		}
		out, in = append(out, in[:literals]...), in[literals:]
		if len(in) < 2 {
			return out
		}
		back := int(binary.LittleEndian.Uint16(in))
		n, rest := lz4Length(int(token&15), in[2:])
		in = rest
		var ok bool
		if out, ok = repeat(out, back, n+4); !ok {
			return out
		}
	}
	return out
}

// lz4Length goes on in further bytes as long as they are full.
func lz4Length(n int, in []byte) (int, []byte) {
	for more := n == 15; more && len(in) > 0; in = in[1:] {
		n += int(in[0])
		more = in[0] == 255
	}
	return n, in
}

// unSnappy unpacks a block of Snappy; ok if it was one from end to end.
func unSnappy(in []byte) (out []byte, ok bool) {
	size, n := binary.Uvarint(in)
	if n <= 0 || size > 64<<20 {
		return nil, false
	}
	for in = in[n:]; len(in) > 0; {
		tag := int(in[0])
		var length, back, head int
		switch tag & 3 {
		case 0:
			length, head = tag>>2, 1
			if more := length - 59; more > 0 {
				if head = 1 + more; len(in) < head {
					return out, false
				}
				length = 0
				for i := more; i > 0; i-- {
					length = length<<8 | int(in[i])
				}
			}
			if length++; length > len(in)-head {
				return out, false
			}
			out, in = append(out, in[head:head+length]...), in[head+length:]
			continue
		case 1:
			if head = 2; len(in) >= head {
				length, back = 4+tag>>2&7, tag>>5<<8|int(in[1])
			}
		case 2:
			if head = 3; len(in) >= head {
				length, back = 1+tag>>2, int(binary.LittleEndian.Uint16(in[1:]))
			}
		case 3:
			if head = 5; len(in) >= head {
				length, back = 1+tag>>2, int(binary.LittleEndian.Uint32(in[1:]))
			}
		}
		if out, ok = repeat(out, back, length); !ok || len(out) > int(size) {
			return out, false
		}
		in = in[head:]
	}
	return out, len(out) == int(size)
}

// unSnappyFrames unpacks what Firefox's Cache API keeps.
func unSnappyFrames(in []byte) (out []byte) {
	if !bytes.HasPrefix(in, []byte("\xff\x06\x00\x00sNaPpY")) {
		return nil
	}
	for len(in) >= 4 {
		size := int(in[1]) | int(in[2])<<8 | int(in[3])<<16
		kind, body := in[0], in[4:]
		if size > len(body) {
			return out
		}
		in = body[size:]
		switch body = body[:size]; {
		case kind == 0 && size > 4:
			plain, _ := unSnappy(body[4:])
			out = append(out, plain...)
		case kind == 1 && size > 4:
			out = append(out, body[4:]...)
		}
	}
	return out
}
