package crypto_test

import (
	"bytes"
	"testing"

	"temoin/crypto"
)

// torn is an output that panics at the n-th call.
type torn struct {
	*memory
	calls, at      int
	begun, settled int
}

func (o *torn) call() {
	if o.calls++; o.calls == o.at {
		panic("torn")
	}
}

func (o *torn) Create(id crypto.ID, size int) (crypto.Object, error) {
	o.call()
	o.begun++
	inner, err := o.memory.Create(id, size)
	return &tornObject{inner, o}, err
}

type tornObject struct {
	crypto.Object
	o *torn
}

func (t *tornObject) Write(p []byte) (int, error) {
	t.o.call()
	return t.Object.Write(p)
}

func (t *tornObject) Close() error {
	t.o.call()
	t.o.settled++
	return t.Object.Close()
}

func (t *tornObject) Abort() { t.o.settled++ }

// A panic of the output, at whatever call, costs no more than the open object: what
// was stored before opens, every object that was begun is closed or aborted, and the
// Sealer wipes what it held.
func TestPanicOfTheOutput(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	file := noise(2_500_000)
	for at := 1; ; at++ {
		o := &torn{memory: newMemory(), at: at}
		s, err := crypto.NewSealer(to, o, crypto.Options{Total: -1})
		must(t, err)
		panicked := func() (yes bool) {
			defer func() { yes = recover() != nil }()
			must(t, s.Words())
			s.Write([]byte("I saw"))
			must(t, s.File(crypto.File{}))
			_, err := s.Write(file)
			must(t, err)
			must(t, s.Close())
			return false
		}()
		if !panicked {
			if at < 50 {
				t.Errorf("only %d calls", at)
			}
			return
		}
		s.Cut()
		if o.begun != o.settled {
			t.Errorf("call %d: %d objects were begun, %d settled", at, o.begun, o.settled)
		}
		if s.Held() != 0 || s.Seed() != (crypto.Seed{}) || s.Identity() != "" {
			t.Errorf("call %d: the Sealer still holds something", at)
		}
		l := letterOf(t, o.memory, ids...)
		res, files := collect(t, o.memory, l)
		if string(l.Words) != "I saw" || res.State != crypto.Partial || !bytes.HasPrefix(file, files[1]) {
			t.Errorf("call %d: %s, words %q, %d bytes", at, res.State, l.Words, len(files[1]))
		}
		if chunks := len(o.order) - 1; len(files[1]) < (chunks-1)*1_000_000 { // all but the last are full
			t.Errorf("call %d: %d bytes in the letter and %d chunks", at, len(files[1]), chunks)
		}
	}
}
