package crypto

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// Output takes sealed objects: a store, or a connection to a box.
type Output interface {
	// Create starts the object with this ID, of exactly size bytes.
	Create(id ID, size int) (Object, error)
}

// Object is one sealed object that is being written.
type Object interface {
	io.Writer
	// Close says that all bytes were written; it is called at most once. The
	// output may go on storing in the background; then it reports a failure in its
	// own way, not here.
	Close() error
	// Abort gives the object up: the store must never list or return what was
	// written.
	Abort()
}

// object seals one tar archive that fills a file of fixed size exactly.
type object struct {
	out      Object
	age      io.WriteCloser
	capacity int // of the archive, in bytes
	used     int // by entries so far
	head     [blockSize]byte
	whole    []byte // a small archive, gathered before it goes to age
	torn     bool   // a write did not come to its end: what was written is no archive
}

// ageHalf is how much of each 64 KiB goes to age's writer first. Its buffer
// doubles as it fills and needs 16 bytes more than 64 KiB: beginning with just
// over half makes it end at 80 KiB in place of 128 KiB, for every upload that
// is under way, and leaves less garbage than many small writes would.
const ageHalf = 32<<10 + 16

// letters is what padding is made of; zeros fills up blocks.
var (
	letters = func() (b [16 << 10]byte) {
		for i := range b {
			b[i] = 'a'
		}
		return b
	}()
	zeros [endMarker]byte
)

func newObject(out Output, id ID, size int, kind Kind, to []age.Recipient) (*object, error) {
	dst, err := out.Create(id, size)
	if err != nil {
		return nil, err
	}
	var w io.WriteCloser
	defer func() {
		if w == nil { // an error, or a panic
			dst.Abort()
		}
	}()
	if w, err = age.Encrypt(dst, to...); err != nil {
		return nil, fmt.Errorf("crypto: %w", err)
	}
	o := &object{out: dst, age: w, capacity: capacity(kind, len(to), size)}
	if size == SmallObject {
		o.whole = buffers.Get().(*buffer)[:0]
	}
	return o, nil
}

// room returns how many bytes of data one more entry can have; below 1 nothing
// more fits.
func (o *object) room() int {
	return (o.capacity-endMarker)&^(blockSize-1) - o.used - blockSize
}

// errRoom: the room in an object was counted wrong, a bug. It is an error and no
// panic, so that it costs one drop and never the whole server.
var errRoom = errors.New("crypto: entry does not fit into its object")

// add writes an entry. It must fit.
func (o *object) add(name string, data []byte) error {
	if len(data) > o.room() {
		return errRoom
	}
	putHeader(o.head[:], '0', name, len(data))
	o.used += entrySize(len(data))
	return o.write(o.head[:], data, zeros[:blocks(len(data))-len(data)])
}

// addBlocks writes an entry whose header, data and zero bytes stand in b
// already, which spares copies.
func (o *object) addBlocks(b []byte) error {
	o.used += len(b)
	return o.write(b)
}

// finish pads the archive and completes the object. It gives the object up when
// that does not work, or the output panics.
func (o *object) finish() error {
	sealed := false
	defer func() {
		if !sealed {
			o.abort()
		}
	}()
	err := o.pad()
	if err == nil && o.whole != nil {
		err = o.encrypt(o.whole)
	}
	o.release()
	if err == nil {
		err = o.age.Close()
	}
	if err == nil {
		err = o.out.Close() // after Close there is no Abort, unless it panicked
		sealed = true
	}
	return err
}

// abort gives the object up.
func (o *object) abort() {
	o.release()
	o.out.Abort()
}

func (o *object) release() {
	if o.whole != nil {
		o.whole = o.whole[:len(buffer{})]
		clear(o.whole)
		buffers.Put((*buffer)(o.whole))
		o.whole = nil
	}
}

func (o *object) pad() error {
	p := padFor(o.capacity, o.used)
	if p.record > 0 {
		putHeader(o.head[:], 'g', padName, p.record)
		head := p.head()
		if err := o.write(o.head[:], []byte(head)); err != nil {
			return err
		}
		for left := p.record - len(head) - 1; left > 0; left -= len(letters) {
			if err := o.write(letters[:min(left, len(letters))]); err != nil {
				return err
			}
		}
		if err := o.write([]byte("\n")); err != nil {
			return err
		}
	}
	return o.write(zeros[:endMarker], zeros[:p.tail])
}

// errTorn: the output panicked in the middle of a write. Part of an entry is missing,
// so the object cannot be completed.
var errTorn = errors.New("crypto: writing an object was broken off")

func (o *object) write(pieces ...[]byte) error {
	o.torn = true
	for _, p := range pieces {
		if o.whole != nil {
			o.whole = append(o.whole, p...)
		} else if err := o.encrypt(p); err != nil {
			return err
		}
	}
	o.torn = false
	return nil
}

func (o *object) encrypt(p []byte) error {
	if len(p) > ageHalf {
		if _, err := o.age.Write(p[:ageHalf]); err != nil {
			return err
		}
		p = p[ageHalf:]
	}
	_, err := o.age.Write(p)
	return err
}
