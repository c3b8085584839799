package doctor

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/storage/s3"
)

// bucketPatience bounds each question to a bucket.
const bucketPatience = 20 * time.Second

// The clocks of box and bucket: signed requests are refused when they are a
// quarter of an hour apart.
const (
	clockOff   = time.Minute
	clockWrong = 15 * time.Minute
)

const leastKey = `take a key with the rights that "temoind policy" prints, and no others`

// bucket checks that the bucket takes objects and keeps them, and that nobody could
// list, read or delete any with a stolen server key, or without a key.
func (d *doctor) bucket(ctx context.Context) {
	c, err := d.Bucket(nil)
	if err != nil {
		d.fail("store", "see docs/settings.md: store, spool and the bucket's keys", "%v", err)
		return
	}
	kind := crypto.Hybrid
	if d.to != nil {
		kind = d.to.Kind()
	}
	store, err := s3.New(c)
	if err != nil {
		d.fail("store", "see docs/settings.md", "%v", err)
		return
	}
	key, body, err := crypto.Probe(kind)
	if err != nil {
		d.fail("store", "report a bug", "%v", err)
		return
	}
	there := d.takes(ctx, store, key, body)
	d.stranger(ctx, c, key)
	if !there {
		d.warn("key", "see the line about the store", "what the key may do was not tried: the bucket did not take an object")
		return
	}
	d.key(ctx, store, key)
}

// Bucket looks at the bucket of the settings, and returns what it found: "store" and
// "clock", "public" for what anybody may do there, and "key" for what a thief of the
// server's key may.
func Bucket(ctx context.Context, s settings.Settings) (found []Finding) {
	d := &doctor{Settings: s, counts: make(map[string]int)}
	d.report = func(f Finding) { found = append(found, f) }
	d.bucket(ctx)
	return found
}

// takes checks that the bucket takes an object and keeps it. It reports whether
// the probe lies there.
func (d *doctor) takes(ctx context.Context, store *s3.Store, key string, body []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	err := store.CheckPreconditions(ctx, key, body)
	switch {
	case errors.Is(err, s3.ErrOverwrites) && d.AcceptOverwrites:
		d.warn("store", "take another provider", "%v (accept_overwrites_by_provider is set)", err)
	case errors.Is(err, s3.ErrOverwrites):
		d.fail("store",
			"take another provider, or set accept_overwrites_by_provider if you accept that somebody who knows a name can replace what lies there",
			"%v", err)
	case err != nil:
		reason, remedy := s3.Explain(err)
		d.fail("store",
			cmp.Or(remedy, "look at the network, the key and the name of the bucket"),
			"the bucket does not take an object: %s", reason)
		return false
	default:
		d.ok("store", "the bucket takes objects, and a second one under the same name is refused")
	}
	return true
}

// stranger checks what can be done without a key.
func (d *doctor) stranger(ctx context.Context, c s3.Config, key string) {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	seen, err := s3.AskAsStranger(ctx, c, key)
	var public []string
	if seen.Gets {
		public = append(public, "get")
	}
	if seen.Lists {
		public = append(public, "list")
	}
	switch {
	case public != nil:
		d.fail("public", "close the bucket to the public", "without any key everybody may: %s", strings.Join(public, ", "))
	case err != nil:
		d.warn("public", "try again", "not known: %v", err)
	default:
		d.ok("public", "the bucket answers nobody without a key")
	}
	d.clock(seen.Clock)
}

// clock compares ours with the bucket's.
func (d *doctor) clock(theirs time.Time) {
	const check, remedy = "clock", "set this machine's clock (systemd-timesyncd does)"
	off := time.Since(theirs).Abs().Truncate(time.Second)
	switch {
	case theirs.IsZero():
		d.warn(check, "compare the clock by hand", "the bucket's is not known")
	case off > clockWrong:
		d.fail(check, remedy, "%v off the bucket's: signed requests are refused", off)
	case off > clockOff:
		d.warn(check, remedy, "%v off the bucket's", off)
	default:
		d.ok(check, "the same as the bucket's")
	}
}

// key checks that the server's key can do no more than write.
func (d *doctor) key(ctx context.Context, store *s3.Store, key string) {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	could, err := store.Excess(ctx, key)
	switch {
	case could != nil:
		d.fail("key", leastKey, "key too strong: it may also %s", strings.Join(could, ", "))
	case err != nil:
		d.warn("key", "try again", "not all of what the key may do could be tried: %v", err)
	default:
		d.ok("key", "it may not get, head, list or delete what was sent")
	}
}
