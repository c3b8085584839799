package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"temoin/storage"
)

// temp is a file that no listing shows yet.
type temp interface {
	io.Writer
	// writeback asks for the bytes between the offsets to go to the disk
	// soon. It promises nothing and never waits long.
	writeback(from, to int64)
	// finish sets the constant times and syncs the file.
	finish() error
	// publish gives the file the name in dir. It fails with os.ErrExist when
	// the name is taken, and never replaces it.
	publish(dir *os.File, name string) error
	// release closes the file and removes what has no name.
	release()
}

// object implements [storage.Object].
type object struct {
	store *Store
	temp  temp // nil once released
	size  int64
	n     int64
	err   error // of the first Write that failed
}

// early is how often a large object's bytes are handed to the disk while more
// arrive. Measured: 256 KiB is worth 6 to 8 % with four writers of 1 MiB; for
// small objects it costs more than it gains.
const early = 256 << 10

func (o *object) Write(p []byte) (int, error) {
	if o.temp == nil {
		return 0, errors.New("storage/dir: write to a released object")
	}
	if o.err != nil {
		return 0, o.err
	}
	if int64(len(p)) > o.size-o.n {
		o.err = fmt.Errorf("storage/dir: more than the announced %d bytes", o.size)
		return 0, o.err
	}
	n, err := o.temp.Write(p)
	before := o.n
	o.n += int64(n)
	if err == nil {
		err = o.store.at("write", "")
	}
	if err != nil {
		o.err = fmt.Errorf("storage/dir: writing an object: %w", mapped(err))
		return n, o.err
	}
	// What completes the object is synced at once anyway.
	if from, to := before/early*early, o.n/early*early; o.size > early && to > from && o.n < o.size {
		o.temp.writeback(from, to)
	}
	return n, nil
}

func (o *object) Discard() {
	if o.temp != nil {
		o.temp.release()
		o.temp = nil
	}
}

func (o *object) Commit(ctx context.Context, key string) error {
	defer o.Discard()
	switch {
	case o.temp == nil:
		return errors.New("storage/dir: commit of a released object")
	case !storage.ValidKey(key):
		return errors.New("storage/dir: not an object key")
	case o.err != nil:
		return o.err
	case o.n != o.size:
		return fmt.Errorf("storage/dir: %d of %d bytes were written", o.n, o.size)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("storage/dir: storing an object: %w", err)
	}
	err := o.commit(key)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("storage/dir: %w", storage.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("storage/dir: storing an object: %w", mapped(err))
	}
	return nil
}

// commit makes the object durable under key.
func (o *object) commit(key string) error {
	dir, err := o.store.place(o.temp, key, key[2:])
	if dir != nil {
		dir.Close()
	}
	return err
}

// place makes what t holds durable under a name in the folder of key, and returns
// that folder if it was opened. It returns an error that is os.ErrExist only after the
// folder was synced: another writer of the name may have crashed between its link and
// its own sync, and its entry would be acknowledged and lost.
func (s *Store) place(t temp, key, name string) (dir *os.File, err error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	if err := t.finish(); err != nil {
		return nil, err
	}
	if err := s.at("synced", key); err != nil {
		return nil, err
	}
	if dir, err = s.openFan(key); err != nil {
		return nil, err
	}
	if err := s.clearName(key); err != nil {
		return dir, err
	}
	linkErr := t.publish(dir, name)
	if linkErr != nil && !errors.Is(linkErr, os.ErrExist) {
		return dir, linkErr
	}
	step := "linked"
	if linkErr != nil {
		step = "exist"
	}
	if err := s.at(step, key); err != nil {
		return dir, err
	}
	if err := s.sync(dir, fan(key)); err != nil {
		return dir, err
	}
	return dir, linkErr
}
