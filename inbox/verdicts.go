package inbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// verdicts remembers what became of small objects of one source that are no
// sound letters, so that they are not all read again by each pull. None of it is
// for ever: a wrong bit on the way can make a letter look like another's.
//
// Each source has a list of its own: a box that was seized could serve rubbish
// under a name whose true object lies in the bucket. It is a plain
// text file to which a line is added for each verdict; flush writes it anew when most
// lines are out of date. Losing it, or its end, costs reading again.
type verdicts struct {
	state *state
	file  string
	known map[key]verdict
	turn  key // the last name that was looked at again in its turn
	lines int // in the file
	news  []byte
}

// verdict is what is remembered of an object.
type verdict struct {
	// broken: an identity opens its header, and the rest does not open. It is tried
	// by every pull.
	broken bool
	// head is the beginning of the hash of its header. As long as the source serves
	// the same one, the object is not ours, whatever follows. It is looked at in its turn.
	head [8]byte
}

// How much each pull reads again: a share of the names that are not ours, so that all
// had their turn after pullsAround pulls, but at least leastAgain of them; and at most
// mostBroken broken letters.
const (
	pullsAround = 30
	leastAgain  = 256
	mostBroken  = 1000
)

// vaultItself is the name under which the verdicts on objects in the vault are
// kept.
const vaultItself = "the vault"

// loadVerdicts reads what is known of the source of that name.
func (v *Vault) loadVerdicts(source string) (*verdicts, error) {
	vs := &verdicts{state: v.state, file: "skip-" + v.sourceID(source), known: make(map[key]verdict)}
	b, err := v.state.read(vs.file)
	if err != nil { // losing it costs reading again
		v.warn("%v. It says what was not sealed to your key, and is made anew.", err)
		if _, err := v.state.setFileAside(vs.file); forgiven(err) != nil {
			return nil, err
		}
	}
	vs.parse(b)
	return vs, nil
}

// sourceID tells the sources of a vault apart in the names of its files, and does not
// give their names away.
func (v *Vault) sourceID(source string) string {
	h := sha256.Sum256(append([]byte("temoin source "+source), v.keys.secret...))
	return hex.EncodeToString(h[:8])
}

// parse takes every line that has the grammar, up to maxObjects names. It skips a
// line that was torn by a crash, or made by an earlier version.
func (vs *verdicts) parse(b []byte) {
	for line := range bytes.Lines(b) {
		if vs.lines++; len(vs.known) == maxObjects {
			return
		}
		name, said, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if name == "turn" {
			if k, ok := parseKey(said); ok {
				vs.turn = k
			}
			continue
		}
		var v verdict
		k, ok := parseKey(name)
		v.broken = said == "broken"
		if !ok || !v.broken && !decodeHex(v.head[:], said) {
			continue
		}
		vs.known[k] = v
	}
}

// decodeHex reads exactly len(dst) bytes in lower-case hexadecimal.
func decodeHex(dst []byte, s string) bool {
	if len(s) != 2*len(dst) || strings.ToLower(s) != s {
		return false
	}
	_, err := hex.Decode(dst, []byte(s))
	return err == nil
}

func (v verdict) line(k key) string {
	if v.broken {
		return k.String() + " broken\n"
	}
	return k.String() + " " + hex.EncodeToString(v.head[:]) + "\n"
}

// notOurs remembers that k has a header which none of our keys opens.
func (vs *verdicts) notOurs(k key, header []byte) {
	sum := sha256.Sum256(header)
	vs.add(k, verdict{head: [8]byte(sum[:8])})
}

// sameHead reports whether the header is the one that was judged before.
func (vs *verdicts) sameHead(k key, header []byte) bool {
	sum := sha256.Sum256(header)
	v, ok := vs.known[k]
	return ok && !v.broken && v.head == [8]byte(sum[:8])
}

// brokenLetter remembers that k is ours and does not open.
func (vs *verdicts) brokenLetter(k key) { vs.add(k, verdict{broken: true}) }

func (vs *verdicts) add(k key, v verdict) {
	if old, ok := vs.known[k]; !ok || old != v {
		vs.known[k] = v
		vs.news = append(vs.news, v.line(k)...)
	}
}

// due returns which of the names that are known as not ours are looked at again:
// all, or those whose turn it is.
func (vs *verdicts) due(names []key, all bool) []key {
	n := max(leastAgain, (len(names)+pullsAround-1)/pullsAround)
	if all || len(names) <= n {
		return names
	}
	slices.SortFunc(names, compareKeys)
	at, _ := slices.BinarySearchFunc(names, vs.turn, compareKeys)
	if at < len(names) && names[at] == vs.turn {
		at++
	}
	picked := append(slices.Clone(names[at:min(at+n, len(names))]), names[:max(0, at+n-len(names))]...)
	vs.turn = picked[len(picked)-1]
	vs.news = append(vs.news, "turn "+vs.turn.String()+"\n"...)
	return picked
}

// flush writes what was added. A file of which most lines are out of date is
// written anew.
func (vs *verdicts) flush() error {
	if len(vs.news) == 0 {
		return nil
	}
	if vs.lines > 2*len(vs.known)+1000 {
		return vs.rewrite()
	}
	// The line feed ends a line that was torn.
	if err := vs.state.add(vs.file, append([]byte{'\n'}, vs.news...)); err != nil {
		return err
	}
	vs.lines += bytes.Count(vs.news, []byte("\n")) + 1
	vs.news = nil
	return nil
}

func (vs *verdicts) rewrite() error {
	var b bytes.Buffer
	b.WriteString("turn " + vs.turn.String() + "\n")
	for k, v := range vs.known {
		b.WriteString(v.line(k))
	}
	if err := vs.state.replace(vs.file, b.Bytes()); err != nil {
		return err
	}
	vs.lines, vs.news = len(vs.known)+1, nil
	return nil
}
