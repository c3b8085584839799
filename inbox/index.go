package inbox

import (
	"encoding/hex"
	"encoding/json"
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
}

// entry is a drop in the index, with the names of its objects. What it says of
// the drop holds as long as the vault has all of letter and present, and none
// of absent. An empty state means that nobody has looked.
type entry struct {
	Drop    `json:"drop"`
	Letter  key  `json:"letter"`
	Present keys `json:"present,omitempty"`
	Absent  keys `json:"absent,omitempty"`
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

type index struct {
	V     int      `json:"v"`
	Drops []*entry `json:"drops"`
}

// unchanged reports whether the vault holds exactly the objects that it held
// when the entry was written.
func (e *entry) unchanged(vault map[key]int64) bool {
	if vault[e.Letter] != storage.Small {
		return false
	}
	for _, k := range e.Present {
		if vault[k] == 0 {
			return false
		}
	}
	for _, k := range e.Absent {
		if vault[k] != 0 {
			return false
		}
	}
	return true
}

// split sorts the names of the drop anew by whether the vault has them.
func (e *entry) split(vault map[key]int64) {
	all := slices.Concat(e.Present, e.Absent)
	e.Present, e.Absent = nil, nil
	for _, k := range all {
		if vault[k] != 0 {
			e.Present = append(e.Present, k)
		} else {
			e.Absent = append(e.Absent, k)
		}
	}
}

// absentInARow is how many chunks must be missing one after the other until a
// drop is taken to end there.
const absentInARow = 64

// follow returns the index entry of a letter: the names of all objects that can
// belong to its drop, as far as has knows them. No number in the letter is
// looked at, so none makes it run on.
func follow(l *crypto.Letter, has func(key) bool) *entry {
	e := &entry{Drop: Drop{Drop: l.Number}, Letter: mustKey(l.Key)}
	note := func(k key) bool {
		there := has(k)
		if there {
			e.Present = append(e.Present, k)
		} else {
			e.Absent = append(e.Absent, k)
		}
		return there
	}
	note(mustKey(l.ClosingKey()))
	for k, absent := uint64(1), 0; absent < absentInARow; k++ {
		if absent++; note(mustKey(l.ChunkKey(k))) {
			absent = 0
		}
	}
	return e
}
