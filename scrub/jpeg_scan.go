package scrub

import "bytes"

// scan copies entropy-coded data up to the next marker that ends it. Repeated
// FF bytes stay: not all decoders take them for one.
func (j *jpegFile) scan() {
	for {
		b := j.s.next(all)
		if len(b) == 0 {
			return
		}
		n := jpegScanned(b)
		j.s.copy(int64(n))
		if n == len(b) {
			continue
		}
		j.fill(j.s.copy)
		b = j.s.peek(2)
		switch {
		case len(b) < 2:
			j.s.copy(1)
			return
		case !jpegInScan(b[1]):
			return
		}
		j.s.copy(2)
	}
}

// jpegScanned returns how many bytes at the start of b certainly belong to the
// scan: up to an FF that starts a marker, or a run of FF, or is the last byte.
func jpegScanned(b []byte) int {
	at := 0
	for {
		i := bytes.IndexByte(b[at:], 0xff)
		if i < 0 {
			return len(b)
		}
		at += i
		if at+1 == len(b) || !jpegInScan(b[at+1]) {
			return at
		}
		at += 2
	}
}

// jpegInScan reports whether FF and this byte are part of a scan: a stuffed FF,
// a restart marker, or damage, which no encoder writes. Decoders step over
// damage and resynchronise at the next restart marker.
func jpegInScan(m byte) bool { return m < jpegSOF0 || m >= jpegRST0 && m <= jpegRST7 }
