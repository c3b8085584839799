package inbox_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
)

// lists are a coordinator's key, the list of it alone, and one to which somebody has
// added a key.
func lists(t *testing.T) (keys *inbox.Keys, ours, more *crypto.Recipients) {
	t.Helper()
	keys, ours = coordinator(t, crypto.X25519)
	_, other := coordinator(t, crypto.X25519)
	more, err := crypto.ParseRecipients(strings.Join(append(ours.Strings(), other.Strings()...), "\n"))
	must(t, err)
	return keys, ours, more
}

// pullLists pulls, and describes what the report says of lists of keys.
func pullLists(t *testing.T, v *inbox.Vault, src storage.Source, opt inbox.PullOptions) string {
	t.Helper()
	r, err := v.Pull(t.Context(), src, "test", opt)
	if errors.Is(err, inbox.ErrOtherKeys) != (r.OtherNew > 0) || err != nil && r.OtherNew == 0 {
		t.Errorf("%d drops of other lists, and the error %v", r.OtherNew, err)
	}
	say := func(what string, all []inbox.KeyList) (s string) {
		for _, l := range all {
			s += fmt.Sprintf(" %s %d of %d", what, l.Drops, l.Keys)
		}
		return s
	}
	return strings.TrimSpace(say("accepted", r.Accepted) + say("other", r.OtherLists) + fmt.Sprintf(" new %d", r.OtherNew))
}

func wantLists(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// others counts the drops that a listing marks.
func others(t *testing.T, v *inbox.Vault) (n int) {
	t.Helper()
	drops, err := v.Drops(t.Context())
	must(t, err)
	for _, d := range drops {
		shown, err := v.Show(t.Context(), d.Drop)
		must(t, err)
		if shown.OtherList != d.OtherList || d.Sealed == nil || d.Sealed.Accepted == d.OtherList {
			t.Errorf("listed: %v %+v, shown: %v", d.OtherList, d.Sealed, shown.OtherList)
		}
		if d.OtherList {
			n++
		}
	}
	return n
}

func TestAKeyThatWasAddedIsSeen(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	v, path := newVault(t, keys)
	wantLists(t, "an empty source", pullLists(t, v, src, inbox.PullOptions{}), "new 0")
	send(t, src, ours, drop{words: "one"})
	wantLists(t, "the first drop", pullLists(t, v, src, inbox.PullOptions{}), "accepted 1 of 1 new 0")
	send(t, src, ours, drop{words: "two"})
	wantLists(t, "the same list", pullLists(t, v, src, inbox.PullOptions{}), "new 0")

	send(t, src, more, drop{words: "three"})
	wantLists(t, "a key more", pullLists(t, v, src, inbox.PullOptions{}), "other 1 of 2 new 1")
	if n := others(t, v); n != 1 || states(t, v) != "complete complete complete" {
		t.Errorf("%d of the drops are marked, states are %s", n, states(t, v))
	}
	v = again(t, path, keys)
	wantLists(t, "the pull after it", pullLists(t, v, src, inbox.PullOptions{}), "other 1 of 2 new 0")

	if _, err := v.AcceptKeys(t.Context(), "one two three", 0); !errors.Is(err, inbox.ErrNoList) {
		t.Errorf("accepting a list that is not there: %v", err)
	}
	l, err := v.AcceptKeys(t.Context(), strings.ToUpper(more.Fingerprint()), 0)
	if err != nil || l.Keys != 2 || l.Drops != 1 || !l.Accepted {
		t.Errorf("accepting: %+v, %v", l, err)
	}
	send(t, src, more, drop{words: "four"})
	wantLists(t, "an accepted list", pullLists(t, v, src, inbox.PullOptions{}), "new 0")
	if n := others(t, v); n != 0 {
		t.Errorf("%d drops are marked", n)
	}
}

func TestTheFirstPullAcceptsOneListOnly(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	send(t, src, ours, drop{words: "one"})
	send(t, src, ours, drop{words: "two"})
	send(t, src, more, drop{words: "three"})

	v, _ := newVault(t, keys)
	wantLists(t, "several lists", pullLists(t, v, src, inbox.PullOptions{}), "other 2 of 1 other 1 of 2 new 3")
	wantLists(t, "and again", pullLists(t, v, src, inbox.PullOptions{}), "other 2 of 1 other 1 of 2 new 0")

	v, _ = newVault(t, keys)
	asked := ""
	answer := func(l inbox.KeyList) bool {
		asked += fmt.Sprintf(" %d of %d", l.Drops, l.Keys)
		return l.Fingerprint == ours.Fingerprint()
	}
	wantLists(t, "asked", pullLists(t, v, src, inbox.PullOptions{Accept: answer}), "accepted 2 of 1 other 1 of 2 new 1")
	send(t, src, more, drop{words: "four"})
	wantLists(t, "not asked any more", pullLists(t, v, src, inbox.PullOptions{Accept: answer}), "other 2 of 2 new 1")
	wantLists(t, "the questions", asked, " 2 of 1 1 of 2")

	send(t, src, ours, drop{words: "five"})
	v, _ = newVault(t, keys)
	wrong := inbox.PullOptions{Fingerprint: "able acid acorn actor album alley amber anchor angle ankle"}
	wantLists(t, "other words", pullLists(t, v, src, wrong), "other 3 of 1 other 2 of 2 new 5")
	right := inbox.PullOptions{Fingerprint: more.Fingerprint()}
	wantLists(t, "the right words", pullLists(t, v, src, right), "accepted 2 of 2 other 3 of 1 new 0")
}

// Words that were given before any drop had come still count when one comes, and a list
// with another number of keys does not get in by them.
func TestWordsBeforeTheFirstDrop(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	v, _ := newVault(t, keys)
	wantLists(t, "nothing", pullLists(t, v, src, inbox.PullOptions{Fingerprint: ours.Fingerprint()}), "new 0")
	send(t, src, more, drop{words: "a key more"})
	wantLists(t, "a key more", pullLists(t, v, src, inbox.PullOptions{}), "other 1 of 2 new 1")
	send(t, src, ours, drop{words: "honest"})
	wantLists(t, "honest", pullLists(t, v, src, inbox.PullOptions{}), "accepted 1 of 1 other 1 of 2 new 0")

	drops, err := v.Drops(t.Context())
	must(t, err)
	for _, d := range drops {
		if !d.OtherList {
			_, _, err := v.Remove(t.Context(), d.Drop, nil)
			must(t, err)
		}
	}
	// It names the honest list, and is sealed to a key more.
	lie := hostile{seed: crypto.Seed{7}, manifest: `{"v":1,"drop":"DROP","chunks":0,"to":"` + ours.Hash() + `"}`}
	lie.put(t, src, more)
	wantLists(t, "a lie", pullLists(t, v, src, inbox.PullOptions{Fingerprint: ours.Fingerprint()}),
		"other 1 of 2 other 1 of 2 new 1")
}

func TestTheSameWordsAndAnotherNumberOfKeys(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	send(t, src, ours, drop{words: "honest"})
	lie := hostile{seed: crypto.Seed{8}, manifest: `{"v":1,"drop":"DROP","chunks":0,"to":"` + ours.Hash() + `"}`}
	lie.put(t, src, more)
	none := hostile{seed: crypto.Seed{9}, manifest: `{"v":1,"drop":"DROP","chunks":0}`}
	none.put(t, src, ours)

	v, _ := newVault(t, keys)
	r, err := v.Pull(t.Context(), src, "test", inbox.PullOptions{})
	if !errors.Is(err, inbox.ErrOtherKeys) || len(r.Accepted) != 0 || len(r.OtherLists) != 3 {
		t.Errorf("%v, %+v", err, r)
	}
	if _, err := v.AcceptKeys(t.Context(), ours.Fingerprint(), 0); !errors.Is(err, inbox.ErrSeveralLists) {
		t.Errorf("two numbers of keys: %v", err)
	}
	if _, err := v.AcceptKeys(t.Context(), "", 0); !errors.Is(err, inbox.ErrNoList) {
		t.Errorf("no words: %v", err)
	}
	if l, err := v.AcceptKeys(t.Context(), ours.Fingerprint(), 1); err != nil || l.Drops != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	if n := others(t, v); n != 2 {
		t.Errorf("%d drops are marked", n)
	}
}

// The limit of words: a lie that comes first is let in by them, with its number of keys,
// and the honest drop after it is named.
func TestWordsDoNotTellTheNumberOfKeys(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	lie := hostile{seed: crypto.Seed{10}, manifest: `{"v":1,"drop":"DROP","chunks":0,"to":"` + ours.Hash() + `"}`}
	lie.put(t, src, more)
	v, _ := newVault(t, keys)
	words := inbox.PullOptions{Fingerprint: ours.Fingerprint()}
	wantLists(t, "a lie", pullLists(t, v, src, words), "accepted 1 of 2 new 0")
	send(t, src, ours, drop{words: "honest"})
	wantLists(t, "honest", pullLists(t, v, src, words), "other 1 of 1 new 1")
}

// Without its file the vault does not accept what comes next: old drops count, too.
func TestAcceptedListsAreLost(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	v, path := newVault(t, keys)
	send(t, src, ours, drop{words: "one"})
	wantLists(t, "first", pullLists(t, v, src, inbox.PullOptions{}), "accepted 1 of 1 new 0")
	file := inbox.StateFile(v, "keylists.age")
	must(t, os.WriteFile(file, []byte("damaged"), 0o600))
	v = again(t, path, keys)
	warned := ""
	v.Warn = func(text string) { warned += text }
	send(t, src, more, drop{words: "two"})
	wantLists(t, "lost", pullLists(t, v, src, inbox.PullOptions{}), "other 1 of 1 other 1 of 2 new 2")
	if !strings.Contains(warned, "lists of keys you accepted, and is set aside as "+file+".damaged-1") {
		t.Errorf("warnings: %s", warned)
	}
}

// A pull that ends early does not take the news to itself.
func TestOtherListInAPullThatEnds(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	v, path := newVault(t, keys)
	send(t, src, ours, drop{words: "one"})
	pullLists(t, v, src, inbox.PullOptions{})
	send(t, src, more, drop{words: "two"})
	inbox.SetFails(v, func(file string) error {
		if file == "index.age" {
			return errors.New("a test")
		}
		return nil
	})
	if _, err := v.Pull(t.Context(), src, "test", inbox.PullOptions{}); err == nil || errors.Is(err, inbox.ErrOtherKeys) {
		t.Errorf("a pull that could not write the index: %v", err)
	}
	wantLists(t, "the next", pullLists(t, again(t, path, keys), src, inbox.PullOptions{}), "other 1 of 2 new 1")
}
