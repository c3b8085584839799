package crypto

import "fmt"

// letter is what an opening letter holds, besides its padding. It is a plain value;
// [planning] decides what goes into it.
type letter struct {
	seed     Seed
	identity string  // the drop's secret
	pieces   []piece // the words, if there are any, and then the first part of each file
}

// piece is the words, or the first part of a file.
type piece struct {
	file int // number in the manifest, 0 for the words
	data []byte
}

// identityFile is the drop's secret as it stands in the letter.
func (l *letter) identityFile() []byte { return []byte(l.identity + "\n") }

// room returns how many bytes of data, in whole blocks, one piece can still take in
// a letter to these recipients with a manifest of so many bytes; below 0 the letter does
// not fit.
func (l *letter) room(to *Recipients, manifest int) int {
	room := (capacity(to.kind, len(to.keys), SmallObject) - endMarker) &^ (blockSize - 1)
	room -= entrySize(len(l.identityFile())) + entrySize(len(l.seed)) + entrySize(manifest)
	for _, p := range l.pieces {
		room -= entrySize(len(p.data))
	}
	return room
}

// seal writes the letter with this manifest.
func (l *letter) seal(out Output, to *Recipients, manifest []byte) error {
	o, err := newObject(out, l.seed.LetterID(), SmallObject, to.kind, to.keys)
	if err != nil {
		return err
	}
	if err := l.add(o, manifest); err != nil {
		o.abort()
		return fmt.Errorf("sealing the opening letter: %w", err)
	}
	if err := o.finish(); err != nil {
		return fmt.Errorf("sealing the opening letter: %w", err)
	}
	return nil
}

func (l *letter) add(o *object, manifest []byte) error {
	drop := l.seed.Number()
	if err := o.add(drop+"/identity.txt", l.identityFile()); err != nil {
		return err
	}
	if err := o.add(drop+"/seed", l.seed[:]); err != nil {
		return err
	}
	if err := o.add(drop+"/manifest-1.json", manifest); err != nil {
		return err
	}
	for _, p := range l.pieces {
		if len(p.data) == 0 {
			continue
		}
		name := drop + "/words.txt"
		if p.file > 0 {
			name = partName(drop, p.file, 1)
		}
		if err := o.add(name, p.data); err != nil {
			return err
		}
	}
	return nil
}
