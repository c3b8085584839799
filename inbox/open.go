package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"temoin/crypto"
	"temoin/storage"
)

// Opened says what [Snapshot.Open] wrote.
type Opened struct {
	Drop
	// Folder is the name of the drop's folder in the one that was given.
	Folder string `json:"folder"`
}

// opening is a drop that is being decrypted into its folder.
type opening struct {
	*folder
	letter *crypto.Letter
	temps  map[int]*os.File // by the file's number
	one    *os.File         // the file that was written to last
	n      int              // its number
}

// Open writes a drop into a folder with its number below root: the files under
// names of ours, words.txt, and manifest.json. Prefix is the beginning of the
// number. What the state is, [Opened] says; a drop that is not complete is
// opened as far as it is sound.
//
// Files get their names when all of them are written. Opening a drop again
// replaces what was opened before, and nothing else: for links, folders and files
// that manifest.json does not list the error is [ErrNotOurs]. It is [ErrNoDrop] or
// [ErrAmbiguous] if the prefix does not name one drop.
//
// One drop must not be opened into one folder by two goroutines at the same time.
func (s *Snapshot) Open(ctx context.Context, prefix string, root *os.Root) (*Opened, error) {
	v := s.v
	e, err := s.find(prefix)
	if err != nil {
		return nil, err
	}
	l, err := v.letter(ctx, e.Letter)
	if err != nil {
		return nil, fmt.Errorf("the letter of the drop: %w", err)
	}
	dir, err := openFolder(root, l.Number, v.fsync)
	if err != nil {
		return nil, fmt.Errorf("the folder %s: %w", l.Number, storage.DiskError(err))
	}
	o := &opening{folder: dir, letter: l, temps: make(map[int]*os.File)}
	defer o.close()
	res, err := l.Read(ctx, v.fetcher(ctx), o.write)
	if err == nil {
		err = o.publish(res)
	}
	if err != nil {
		return nil, storage.DiskError(err)
	}
	return &Opened{Drop: summary(l, res), Folder: l.Number}, nil
}

// write appends to the temporary file of file n. Writing in larger pieces than
// these 65,024 bytes was measured and is no faster.
func (o *opening) write(n int, p []byte) error {
	if o.one == nil || o.n != n {
		f, ok := o.temps[n]
		if !ok {
			var err error
			if f, err = o.temp(); err != nil {
				return err
			}
			o.temps[n] = f
		}
		o.one, o.n = f, n
	}
	_, err := o.one.Write(p)
	return err
}

// fileRecord is a file in manifest.json.
type fileRecord struct {
	crypto.File
	// Disk is the name that the file has here, Found its size here.
	Disk  string `json:"file,omitempty"`
	Found int64  `json:"found"`
	Whole bool   `json:"whole"`
	Sum   string `json:"sum,omitempty"`
}

// record is manifest.json: the manifest, and what was found.
type record struct {
	crypto.Manifest
	State    crypto.State `json:"state"`
	Problems []string     `json:"problems,omitempty"`
	Words    string       `json:"words,omitempty"`
	Files    []fileRecord `json:"files"`
}

// publish gives all that was written its name, manifest.json last.
func (o *opening) publish(res *crypto.Result) error {
	rec := record{State: res.State, Problems: res.Problems, Files: []fileRecord{}}
	if res.Manifest != nil {
		rec.Manifest = *res.Manifest
	}
	rec.Drop, rec.Reply = o.letter.Number, "" // Reply opens the replies: it stays sealed
	names := make(map[string]*os.File)
	for _, f := range res.Files {
		r := fileRecord{File: f.File, Found: f.Found, Whole: f.Whole, Sum: f.Sum}
		t := o.temps[f.N]
		if t == nil && f.Whole { // an empty file
			var err error
			if t, err = o.temp(); err != nil {
				return err
			}
			o.temps[f.N] = t
		}
		if t != nil {
			r.Disk = fileName(f.N, f.Type)
			names[r.Disk] = t
		}
		rec.Files = append(rec.Files, r)
	}
	if len(o.letter.Words) > 0 {
		t, err := o.tempWith(o.letter.Words)
		if err != nil {
			return err
		}
		rec.Words = wordsName
		names[rec.Words] = t
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	return o.replace(EscapeJSON(append(b, '\n')), names)
}
