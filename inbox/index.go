package inbox

import (
	"encoding/hex"
	"encoding/json"
	"iter"
	"slices"

	"temoin/crypto"
	"temoin/storage"
)

// Drop is what a listing says of one drop. Text in it is the sender's: see
// [Escape].
type Drop struct {
	Drop  string       `json:"drop"`
	State crypto.State `json:"state"`
	// Files and Bytes count what is there of the files, words apart.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Words is the length of the testimony in bytes.
	Words int      `json:"words"`
	Types []string `json:"types,omitempty"`
	Via   string   `json:"via,omitempty"`
	Lang  string   `json:"lang,omitempty"`
	Where string   `json:"where,omitempty"`
	When  string   `json:"when,omitempty"`
	// Problems says, in English, why the state is not complete.
	Problems []string `json:"problems,omitempty"`
	// Verified is the day, YYYY-MM-DD in UTC, on which all of the drop was last
	// opened to its end.
	Verified string `json:"verified,omitempty"`
	// Sealed is the list of keys that the drop was sealed to; nil in the index, and
	// for a drop of a later version. OtherList says that nobody has accepted that list.
	Sealed    *KeyList `json:"sealed,omitempty"`
	OtherList bool     `json:"other_list,omitempty"`
}

// entry is a drop in the index, with the names of its objects in the vault. An
// empty state means that it was not read through since one of them came or went.
type entry struct {
	Drop   `json:"drop"`
	Letter key `json:"letter"`
	// Seed gives the names of all objects of the drop. It stands in the letter,
	// too, which is sealed to the same key.
	Seed key `json:"seed"`
	// Final says that the letter holds all of the drop: no other object exists.
	Final bool `json:"final,omitempty"`
	// Present are the objects that the vault has beside the letter.
	Present keys `json:"present,omitempty"`
	// Broken are those, the letter among them, that did not open when they were
	// last read. A pull looks for sound ones.
	Broken keys `json:"broken,omitempty"`
	// Found is what was found of each file, when the drop is not complete.
	Found []found `json:"found,omitempty"`
	// List is the list of keys that the letter names. It is nil in a newer letter.
	List *listID `json:"list,omitempty"`
	// Told says that a pull has ended with the news that this is another list.
	Told bool `json:"told,omitempty"`

	unsure bool // the vault could not be read; the state is not to be remembered
}

// found is a [crypto.FileResult] without what the manifest says.
type found struct {
	N     int    `json:"n"`
	Bytes int64  `json:"bytes"`
	Whole bool   `json:"whole,omitempty"`
	Sum   string `json:"sum"`
}

// keys are written as one run of bytes.
type keys []key

func (ks keys) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(ks)*len(key{}))
	for _, k := range ks {
		b = append(b, k[:]...)
	}
	return json.Marshal(b)
}

func (ks *keys) UnmarshalJSON(in []byte) error {
	var b []byte
	if err := json.Unmarshal(in, &b); err != nil {
		return err
	}
	if len(b)%len(key{}) != 0 {
		return errState
	}
	*ks = (*ks)[:0]
	for one := range slices.Chunk(b, len(key{})) {
		*ks = append(*ks, key(one))
	}
	return nil
}

func (k key) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(k[:])), nil }

func (k *key) UnmarshalText(b []byte) error {
	if len(b) != 2*len(k) {
		return errState
	}
	_, err := hex.Decode(k[:], b)
	return err
}

const indexFile = "index.age"

// index is what the index file holds. One of an earlier version, which did not have
// the lists of keys, is thrown away and made anew.
type index struct {
	V     int      `json:"v"`
	Drops []*entry `json:"drops"`
}

const indexVersion = 3

// newEntry returns the entry of a letter, without its other objects.
func newEntry(l *crypto.Letter) *entry {
	e := &entry{Drop: Drop{Drop: l.Number}, Letter: mustKey(l.Key), Seed: key(l.Seed()), Final: l.Final()}
	if !l.Newer {
		e.List = newListID(l)
	}
	return e
}

// names yields the names that objects of the drop have beside the letter, each
// with its role: 0 is the closing letter, k is chunk k. They end where has knows
// none of [crypto.AbsentInARow] chunks in a row. The count in a letter is not used:
// a hostile letter can say 9e15.
func (e *entry) names(has func(key) bool) iter.Seq2[uint64, key] {
	return func(yield func(uint64, key) bool) {
		seed := crypto.Seed(e.Seed)
		if e.Final || !yield(0, mustKey(seed.ClosingID().Key())) {
			return
		}
		for k, absent := uint64(1), 0; absent < crypto.AbsentInARow; k++ {
			name := mustKey(seed.ChunkID(k).Key())
			if !yield(k, name) {
				return
			}
			if absent++; has(name) {
				absent = 0
			}
		}
	}
}

// set makes names quick to ask for: a drop can have 100,000 of them.
func (ks keys) set() map[key]bool {
	all := make(map[key]bool, len(ks))
	for _, k := range ks {
		all[k] = true
	}
	return all
}

// look sets which objects of the drop are in the vault. If they are not the same as
// before, the drop becomes unread.
func (e *entry) look(has func(key) bool) {
	var present keys
	for _, k := range e.names(has) {
		if has(k) {
			present = append(present, k)
		}
	}
	if !slices.Equal(present, e.Present) {
		e.Present = present
		e.unread()
	}
}

// unread forgets what reading the drop through has shown.
func (e *entry) unread() {
	e.State, e.Problems, e.Found, e.Verified, e.Broken = "", nil, nil, "", nil
}

// whole reports whether the vault still has all that the entry names.
func (e *entry) whole(vault map[key]int64) bool {
	for _, k := range e.Present {
		if vault[k] == 0 {
			return false
		}
	}
	return vault[e.Letter] == storage.Small
}
