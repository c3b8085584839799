package inbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"temoin/crypto"
)

// ErrOtherKeys: drops came that were sealed to a list of keys that is not accepted.
// They are kept. Somebody may have added a key of their own to those of the box; but
// anybody can also send a drop that names any list.
var ErrOtherKeys = errors.New("sealed to another list of keys")

// The errors of accepting a list of keys.
var (
	// ErrNoList: no drop of the vault names a list with this fingerprint.
	ErrNoList = errors.New("no drop here was sealed to a list of keys with these words")
	// ErrSeveralLists: drops that name it have different numbers of keys.
	ErrSeveralLists = errors.New("drops here name these words with different numbers of keys")
)

// KeyList is a list of keys that drops were sealed to: those who can open them. The
// letter names the list, the header of the letter tells the number of keys. A sender
// can name a wrong list, with the right number of keys: then nobody can see that one
// of them was exchanged.
type KeyList struct {
	// Fingerprint is that of the list, ten words. It is empty if a letter names none.
	Fingerprint string `json:"fingerprint"`
	// Keys is how many keys there are; 0 in a list that was accepted by its
	// fingerprint before any drop had come.
	Keys int `json:"keys"`
	// Drops counts the drops of the vault that were sealed to it.
	Drops    int  `json:"drops,omitempty"`
	Accepted bool `json:"accepted"`
}

// listID tells lists of keys apart.
type listID struct {
	to   [sha256.Size]byte // [crypto.Recipients.Hash]; zeros if the letter names none
	keys byte
}

// newListID returns the list that a letter was sealed to.
func newListID(l *crypto.Letter) *listID {
	id := &listID{keys: byte(l.Recipients)}
	hex.Decode(id.to[:], []byte(l.Manifest.To)) // crypto has checked it
	return id
}

func (l listID) words() string {
	if l.to == (listID{}).to {
		return ""
	}
	return crypto.Fingerprint(hex.EncodeToString(l.to[:]))
}

// MarshalText writes it short: it stands in the index once for each drop.
func (l listID) MarshalText() ([]byte, error) {
	return []byte(base64.RawStdEncoding.EncodeToString(append(l.to[:], l.keys))), nil
}

func (l *listID) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.DecodeString(string(text))
	if err != nil || len(b) != len(l.to)+1 {
		return errState
	}
	l.keys = b[copy(l.to[:], b)]
	return nil
}

func (l listID) list(a accepted) KeyList {
	return KeyList{Fingerprint: l.words(), Keys: int(l.keys), Accepted: a.has(l)}
}

// acceptedFile holds the lists of keys that the coordinator has accepted. Without it
// the next pull is like the first one: it accepts a list only if all drops of the
// vault name it.
const acceptedFile = "keylists.age"

type accepted struct {
	V     int      `json:"v"`
	Lists []listID `json:"lists"`
	// Words are fingerprints that were accepted before a drop named their list.
	Words []string `json:"words,omitempty"`
}

const acceptedVersion = 1

func (a accepted) has(l listID) bool { return slices.Contains(a.Lists, l) }

func (a accepted) none() bool { return len(a.Lists)+len(a.Words) == 0 }

// hasWords reports whether a fingerprint was accepted before any drop named its list.
func (a accepted) hasWords(words string) bool {
	return slices.ContainsFunc(a.Words, func(w string) bool { return crypto.SameFingerprint(w, words) })
}

// hasList reports whether a list with these words is accepted. Another one, with
// another number of keys, does not get in by the words alone.
func (a accepted) hasList(words string) bool {
	return slices.ContainsFunc(a.Lists, func(l listID) bool { return crypto.SameFingerprint(words, l.words()) })
}

// loadAccepted reads what was accepted. A damaged file is set aside.
func (v *Vault) loadAccepted() (a accepted, err error) {
	err = v.load(acceptedFile, &a)
	switch {
	case errors.Is(err, errState):
		aside, moved := v.state.setFileAside(acceptedFile)
		if forgiven(moved) != nil {
			return a, moved
		}
		v.warn("%v. It says which lists of keys you accepted, and is set aside as %s.", err, aside)
		return accepted{V: acceptedVersion}, nil
	case err == nil && a.V > acceptedVersion:
		err = fmt.Errorf("%s: %w", v.state.path(acceptedFile), errNewer)
	}
	a.V = acceptedVersion
	return a, err
}

// acceptedOrNone is loadAccepted for what is only shown.
func (v *Vault) acceptedOrNone() accepted {
	a, err := v.loadAccepted()
	if err != nil {
		v.warn("%v. It says which lists of keys you accepted.", err)
	}
	return a
}

// changeAccepted changes the file under a lock: another process may do so as well.
func (v *Vault) changeAccepted(change func(*accepted)) (accepted, error) {
	defer v.state.lock()()
	a, err := v.loadAccepted()
	if err != nil {
		return a, err
	}
	before := len(a.Lists) + len(a.Words)
	change(&a)
	if len(a.Lists)+len(a.Words) == before {
		return a, nil
	}
	return a, v.save(acceptedFile, a)
}

// add accepts a list.
func (a *accepted) add(l listID) {
	if !a.has(l) {
		a.Lists = append(a.Lists, l)
	}
}

// countLists counts the drops that name each list.
func countLists(drops iter.Seq[*entry]) map[listID]int {
	counts := make(map[listID]int)
	for e := range drops {
		if e.List != nil {
			counts[*e.List]++
		}
	}
	return counts
}

// keyLists returns the lists that were counted, and those accepted that no drop names.
// Those of most drops come first.
func keyLists(counts map[listID]int, a accepted) []KeyList {
	var all []KeyList
	for id, n := range counts {
		l := id.list(a)
		l.Drops = n
		all = append(all, l)
	}
	for _, id := range a.Lists {
		if counts[id] == 0 {
			all = append(all, id.list(a))
		}
	}
	for _, w := range a.Words {
		if !a.hasList(w) {
			all = append(all, KeyList{Fingerprint: w, Accepted: true})
		}
	}
	slices.SortFunc(all, func(a, b KeyList) int {
		return cmp.Or(b.Drops-a.Drops, a.Keys-b.Keys, strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	return all
}

// withWords returns the lists that drops name and that have this fingerprint.
func withWords(drops map[key]*entry, words string) []listID {
	all := make(map[listID]bool)
	for _, e := range drops {
		if e.List != nil && crypto.SameFingerprint(words, e.List.words()) {
			all[*e.List] = true
		}
	}
	return slices.Collect(maps.Keys(all))
}
