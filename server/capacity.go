package server

// The most that a box holds at the same time.
const (
	maxConnections = 4096 // of all kinds, through all doors
	maxUploads     = 1024 // of both ways in
)

// What takes how much memory, in bytes, as measured (see docs/performance.md).
const (
	emptyBox      = 48 << 20
	perConnection = 96 << 10  // TLS with its garbage, and full buffers of the kernel (boundBuffers)
	perUpload     = 336 << 10 // a form with an open chunk and a film in a window, besides its connection
	withEnding    = perUpload + perUpload/endingShare
	withGarbage   = withEnding / 3 * 4
)

// sendBuffer is the kernel's buffer for what a connection sends, in bytes; it takes twice as
// much, which counts as memory of the box. A client that sends request after request and reads
// no answer has it full: without a bound the kernel holds megabytes.
const sendBuffer = 16 << 10

// capacity is how many connections and uploads a box holds at the same time. The rest
// waits or is refused: if all were let in, the kernel would end the box, and with it
// every upload.
type capacity struct{ connections, uploads int }

// reserved is how many of max places each of n has for itself, doors or classes: a quarter
// of all, together, and one if that is less and leaves half for all.
func reserved(max, n int) int {
	if r := max / (4 * n); r > 0 || n > max/2 {
		return r
	}
	return 1
}

// capacityOf returns what fits into so many bytes of memory; 0: nobody knows how many. Half
// is for uploads, and what these do not need is for connections.
func capacityOf(memory int64) capacity {
	if memory == 0 {
		return capacity{maxConnections, maxUploads}
	}
	room := max(memory-emptyBox, 16<<20)
	uploads := min(room/2/withGarbage, maxUploads)
	return capacity{
		connections: int(min((room-uploads*withGarbage)/perConnection, maxConnections)),
		uploads:     int(uploads),
	}
}
