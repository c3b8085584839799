package inbox

import (
	"context"
	"errors"
	"fmt"

	"temoin/crypto"
	"temoin/storage"
)

// Detail is what is known of one drop.
type Detail struct {
	Drop
	Manifest *crypto.Manifest
	Files    []crypto.FileResult
	Text     []byte // the testimony
}

// Show tells what is in one drop, from the index, its letter and its closing
// letter. A drop that was not read through yet, or of which a letter has changed
// since, is read first. Prefix is the beginning of its number; the error is
// [ErrNoDrop] or [ErrAmbiguous] if it does not name one drop.
func (s *Snapshot) Show(ctx context.Context, prefix string) (*Detail, error) {
	e, err := s.find(prefix)
	if err != nil {
		return nil, err
	}
	for range 2 {
		if e.State == "" {
			if e, err = s.v.check(ctx, e); err == nil {
				err = s.learn(e)
			}
			if err != nil {
				return nil, err
			}
		}
		d, current, err := s.v.detail(ctx, e)
		if current || err != nil {
			if d != nil {
				d.Drop = s.drop(e)
			}
			return d, err
		}
		again := *e
		again.unread()
		e = &again
	}
	return nil, errors.New("the letter of the drop is another one each time it is read")
}

// detail reads the letters of a drop. Current is false when they have changed since
// the entry was made.
func (v *Vault) detail(ctx context.Context, e *entry) (d *Detail, current bool, err error) {
	d = &Detail{Drop: e.Drop}
	l, err := v.letter(ctx, e.Letter)
	switch {
	case err == nil:
	case e.State == crypto.Damaged: // its problems say so
		return d, true, nil
	case isVerdict(err), errors.Is(err, storage.ErrNotExist):
		return nil, false, nil
	default:
		return nil, false, fmt.Errorf("the letter of the drop: %w", err)
	}
	d.Text = l.Words
	var final bool
	if d.Manifest, final = v.manifest(ctx, l); e.State == crypto.Complete && !final {
		return nil, false, nil
	}
	d.Files = e.files(d.Manifest)
	return d, true, nil
}

// manifest returns the final manifest of a drop if there is one, or the plan.
func (v *Vault) manifest(ctx context.Context, l *crypto.Letter) (m *crypto.Manifest, final bool) {
	if l.Newer || l.Final() {
		return l.Manifest, l.Final()
	}
	object, err := v.read(ctx, l.ClosingKey(), nil)
	if err != nil || object == nil {
		return l.Manifest, false
	}
	if c, err := l.OpenClosing(object); err == nil {
		return c.Manifest, true
	}
	return l.Manifest, false
}

// files puts together what the manifest says of the files and what was found.
func (e *entry) files(m *crypto.Manifest) []crypto.FileResult {
	var all []crypto.FileResult
	if e.State == crypto.Complete {
		for _, f := range m.Files {
			all = append(all, crypto.FileResult{File: f, Found: *f.Size, Whole: true, Sum: f.SHA256})
		}
		return all
	}
	for _, f := range e.Found {
		file := crypto.File{N: f.N}
		if i := f.N - 1; i >= 0 && i < len(m.Files) {
			file = m.Files[i]
		}
		all = append(all, crypto.FileResult{File: file, Found: f.Bytes, Whole: f.Whole, Sum: f.Sum})
	}
	return all
}
