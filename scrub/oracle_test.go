package scrub_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"
)

// TestOracle is how e2e, which cannot import this package, asks what becomes of
// a file: it builds this test and runs it. A file comes after its length in four
// bytes; the report as JSON and the cleaned bytes go back in the same way. The laws are
// held against each file; what broke them is told at the end.
func TestOracle(t *testing.T) {
	if os.Getenv("TEMOIN_ORACLE") == "" {
		t.Skip("nobody asks: for e2e")
	}
	in, out := bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		b, err := readFrame(in)
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		clean, rep := cleanFile(t, b)
		j, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		writeFrame(out, j)
		writeFrame(out, clean)
		kept := !t.Failed()
		laws(t, b)
		if kept && t.Failed() {
			t.Logf("it was %q", b)
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func readFrame(r io.Reader) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeFrame(w io.Writer, b []byte) {
	w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
	w.Write(b)
}

var recorded sync.Map

// record writes each small file that a test cleans to the file that
// TEMOIN_RECORD names, once: so e2e gets the inputs of these tests, and the
// seeds of the fuzz targets with them.
func record(b []byte) {
	const largest = 32 << 10
	name := os.Getenv("TEMOIN_RECORD")
	if name == "" || len(b) > largest {
		return
	}
	if _, twice := recorded.LoadOrStore(sum(b), true); twice {
		return
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	var frame bytes.Buffer
	writeFrame(&frame, b)
	if _, err := f.Write(frame.Bytes()); err != nil {
		panic(err)
	}
}
