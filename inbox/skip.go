package inbox

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// skipList remembers which small objects of one source opened with none of the
// keys, so that they are fetched once only. It is a text file with one name a
// line, and only ever grows; losing it, or its end, costs fetching again.
//
// Each source has a list of its own: a box that was seized could serve rubbish
// under a name whose true object lies in the bucket.
type skipList struct {
	path string
	keys map[key]bool
	news []key // not yet in the file
}

// loadSkipList reads the list for the source of that name.
func (v *Vault) loadSkipList(source string) (*skipList, error) {
	h := sha256.Sum256(append([]byte("temoin source "+source), v.keys.secret...))
	s := &skipList{path: filepath.Join(v.state, "skip-"+hex.EncodeToString(h[:8])), keys: make(map[key]bool)}
	f, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, full(err)
	}
	defer f.Close()
	s.keys, err = readSkipList(f)
	return s, full(err)
}

// readSkipList takes every line that is a name, up to maxObjects of them. A
// line that was torn by a crash is not one.
func readSkipList(r io.Reader) (map[key]bool, error) {
	keys := make(map[key]bool)
	in := bufio.NewReaderSize(r, 64<<10)
	for len(keys) < maxObjects {
		line, err := in.ReadSlice('\n')
		if err == io.EOF {
			return keys, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		if k, ok := parseKey(string(line[:len(line)-1])); ok {
			keys[k] = true
		}
	}
	return keys, nil
}

// add puts k on the list; flush writes what was added.
func (s *skipList) add(k key) {
	if !s.keys[k] {
		s.keys[k] = true
		s.news = append(s.news, k)
	}
}

func (s *skipList) flush() error {
	if len(s.news) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return full(err)
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return full(err)
	}
	b := make([]byte, 1, len(s.news)*67+1)
	b[0] = '\n' // ends a line that was torn
	for _, k := range s.news {
		b = append(append(b, k.String()...), '\n')
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		s.news = s.news[:0]
	}
	return full(err)
}
