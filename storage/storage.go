// Package storage says what a place for sealed objects has to do.
//
// Everything that Témoin keeps is a sealed object of exactly [Small] or
// [Large] bytes under a name that says nothing: "c/" and 64 hexadecimal
// digits. A store never sees plaintext, never overwrites a name, and keeps no
// times, types or tags of its own.
//
// # Two sides
//
// A server holds a [Sink]: it can only add. A coordinator's machine holds a
// [Source]: it lists, reads and sets aside. So a server's key to a bucket needs no right
// to read, list or delete drops (least privilege): if it leaks, it gives none away.
//
// # Implementations
//
// The packages dir (a directory, durable by fsync) and s3 (a bucket, written
// with a signed hash and If-None-Match) implement both sides; box reads a
// server's inbox. The suite in storagetest is what they have in common.
package storage

import (
	"context"
	"errors"
	"io"
	"iter"
)

// The only two sizes of an object, in bytes.
const (
	Small = 64 << 10
	Large = 1 << 20
)

// The errors that callers may test for; every store wraps its own in these.
var (
	// ErrExist: the name is taken. The object under it is as durable as if
	// this call had stored it.
	ErrExist = errors.New("storage: object is there already")
	// ErrNotExist: no object has that name.
	ErrNotExist = errors.New("storage: no such object")
	// ErrFull: no room is left, on the store or where it spools.
	ErrFull = errors.New("storage: full")
	// ErrDenied: the store answered and refused (rights, read-only disk,
	// wrong key, a bucket that is not there). Trying again will not help.
	ErrDenied = errors.New("storage: refused")
	// ErrUnreachable: the store did not answer, or asked for a pause
	// (backpressure). Trying again may help.
	ErrUnreachable = errors.New("storage: unreachable")
)

// Sink adds objects. It is safe for concurrent use.
type Sink interface {
	// Create starts an object of exactly size bytes, [Small] or [Large]. What
	// is written goes to a file without a name (or to memory that does not
	// grow with the number of objects), so that a crash leaves nothing behind.
	Create(ctx context.Context, size int64) (Object, error)
}

// Putter is a Sink that can also store an object which lies in memory, and
// spares the way through a file. The promises are those of [Object.Commit].
type Putter interface {
	// Put stores body, of exactly [Small] or [Large] bytes, under key. Only
	// after nil may the caller write to body again: a connection that broke
	// may still be reading it.
	Put(ctx context.Context, key string, body []byte) error
}

// Prober is a Sink that can find out by itself whether it would take an object
// now, without a sender.
type Prober interface {
	// Probe goes through all that storing an object takes: it writes body, of
	// [Small] bytes, publishes it and makes it durable. It returns what Create
	// and Commit would. In a directory it does so where key would lie, under a
	// name that is no key, and removes it again; in a bucket, whose key can only
	// write, the object stays under key, and finding it there is a success: call
	// it with the same key each time, and nothing more is ever added.
	Probe(ctx context.Context, key string, body []byte) error
}

// Object is one object that is being stored. It is used by one goroutine at a time.
type Object interface {
	// Write appends to the object. Writing past its size is an error.
	io.Writer
	// Commit stores the object under key and returns nil only when it will
	// survive a loss of power. It fails, and stores nothing, when fewer bytes
	// were written than announced. An error that is [ErrExist] is a success of
	// an earlier call. Whatever it returns, the object is released.
	Commit(ctx context.Context, key string) error
	// Discard releases the object. After Commit it does nothing.
	Discard()
}

// Info describes an object that a Lister lists.
type Info struct {
	Key  string
	Size int64
}

// Lister lists objects. It is safe for concurrent use.
type Lister interface {
	// List yields every object whose key starts with prefix and is greater than
	// after, keys ascending, and stops at the first error. Files that are no
	// objects are not listed. An empty after lists from the start.
	List(ctx context.Context, prefix, after string) iter.Seq2[Info, error]
}

// Reader reads objects. It is safe for concurrent use.
type Reader interface {
	// Open reads n bytes of an object from the given offset on, or all that
	// follows when n is negative. The caller closes it. The error is
	// [ErrNotExist] when there is no such object; an offset past the end reads
	// nothing.
	Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error)
}

// Deleter deletes objects for good. It is safe for concurrent use.
type Deleter interface {
	// Delete removes an object. Deleting an object that does not exist is no
	// error.
	Delete(ctx context.Context, key string) error
}

// Source lists objects, reads them and sets them aside: the coordinator's side of a
// store.
type Source interface {
	Lister
	Reader
	Asider
}

// Store is both sides of one place.
type Store interface {
	Sink
	Source
	Deleter
	Purger
}

// ValidKey reports whether key names an object: "c/" and 64 lower-case
// hexadecimal digits, or "r/", 32 of them, "-" and a number of 1 to 10 digits
// without a leading zero. Stores refuse every other key.
func ValidKey(key string) bool {
	if len(key) < 3 || key[1] != '/' {
		return false
	}
	name := key[2:]
	switch key[0] {
	case 'c':
		return len(name) == 64 && isHex(name)
	case 'r':
		if len(name) < 34 || len(name) > 43 || name[32] != '-' || name[33] == '0' {
			return false
		}
		return isHex(name[:32]) && isDecimal(name[33:])
	}
	return false
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isDecimal(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
