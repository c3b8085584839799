package inbox

import (
	"context"
	"encoding/json"
	"os"
	"time"
)

// Tests wait less between tries.
func init() { pause = 5 * time.Millisecond }

// Tests that look at a vault once take a snapshot of it each time.

func (v *Vault) Drops(ctx context.Context) ([]Drop, error) {
	s, err := v.Check(ctx)
	if err != nil {
		return nil, err
	}
	return s.Drops(), nil
}

func (v *Vault) Numbers(ctx context.Context) (all []string, err error) {
	s, err := v.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range s.Drops() {
		all = append(all, d.Drop)
	}
	return all, nil
}

func (v *Vault) Find(ctx context.Context, prefix string) (string, error) {
	s, err := v.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	d, err := s.Find(prefix)
	return d.Drop, err
}

func (v *Vault) Show(ctx context.Context, prefix string) (*Detail, error) {
	s, err := v.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return s.Show(ctx, prefix)
}

func (v *Vault) Open(ctx context.Context, prefix string, root *os.Root) (*Opened, error) {
	s, err := v.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return s.Open(ctx, prefix, root)
}

// Verdicts reads a list of verdicts and writes it again.
func Verdicts(b []byte) ([]byte, int) {
	vs := &verdicts{known: make(map[key]verdict)}
	vs.parse(b)
	var out []byte
	for k, v := range vs.known {
		out = append(out, v.line(k)...)
	}
	return out, len(vs.known)
}

// Index parses an index and writes it again.
func Index(b []byte) ([]byte, error) {
	var ix index
	if err := json.Unmarshal(b, &ix); err != nil {
		return nil, err
	}
	return json.Marshal(ix)
}

var FileName = fileName

// SetUnreadable makes a file of the vault's state one that cannot be read.
func SetUnreadable(v *Vault, file string) { v.state.unreadable = file }

// SetFails makes writing a file of the vault's state fail when fails says so.
func SetFails(v *Vault, fails func(file string) error) { v.state.fails = fails }

// StateFile is where a file of the vault's state lies.
func StateFile(v *Vault, file string) string { return v.state.path(file) }

// LockState takes the lock of the vault's state, as another process does.
func LockState(v *Vault) (unlock func()) { return v.state.lock() }

// SetSync lets fsync stand for os.File.Sync where drops are opened.
func SetSync(v *Vault, fsync func(*os.File) error) { v.fsync = fsync }

// Pace lets tests play how long objects take.
type Pace struct{ *pace }

func NewPace() Pace { return Pace{newPace(nil)} }

// Took lets an object pass that takes so long, and returns how many may be under
// way after it.
func (p Pace) Took(d time.Duration) int {
	p.enter()
	p.leave(d)
	return p.limit
}

// Backdate makes a vault believe that it first listed the objects of a source d earlier.
func (v *Vault) Backdate(source string, d time.Duration) error {
	file := "listed-" + v.sourceID(source) + ".age"
	var l listed
	if err := v.load(file, &l); err != nil {
		return err
	}
	for i := range l.Groups {
		l.Groups[i].At -= int64(d / time.Second)
	}
	return v.save(file, l)
}
