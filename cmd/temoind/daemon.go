package main

import (
	"crypto/sha256"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
)

// daemon is what serves: the settings, and what was made of them. SIGHUP reads the
// recipients and the certificate again.
type daemon struct {
	settings.Settings
	to          atomic.Pointer[crypto.Recipients]
	certificate atomic.Pointer[certificate]
	acme        *acmeCerts // nil: the box orders no certificates
	before      *inherited // the process image that this one renews, or nil
	onion       string     // the name in Tor, or empty
	bucket      *probed    // nil: the store is a disk
	keys        *settings.Keys
	memory      int64      // that the box may use, in bytes; 0: nobody knows
	disk        *dir.Store // nil: the store is a bucket
	hup         chan os.Signal
	looked      map[string][sha256.Size]byte // what each file that SIGHUP reads held, when it was read last
	told        []string                     // those of them that have changed since, as was said
	// busy is held for reading while certificates are ordered or files read again: a
	// renewal of the process would cut that.
	busy sync.RWMutex
}

// inherited is what a process image takes over from the one before it.
type inherited struct {
	listeners []net.Listener
	state     *carried
}

// carried is what goes from one process image to the next, through a pipe. The settings
// and all keys go with it. They are not read again: a half-edited file must not end a
// box that works, and a confined process may not read the files of the bucket's keys.
type carried struct {
	Server     server.State
	Settings   settings.Settings
	Recipients []string
	Cert, Key  []byte // PEM
	Looked     map[string][sha256.Size]byte
	Told       []string
	Hangup     bool           // a SIGHUP came that was not served yet
	Keys       *settings.Keys // of the bucket; nil: the store is a disk
	NextOrders time.Time
	Onion      string
	Proven     bool   // the bucket has shown that it honours preconditions
	Doubtful   bool   // a sync of the store's folders has failed: the next image must not commit either
	Disk       string // which folder the store is
	Memory     int64  // see memory: a confined process cannot read it again
}

// load reads what the settings name, or takes it over from the process image
// before this one.
func (d *daemon) load() error {
	if d.before == nil {
		if err := d.readRecipients(); err != nil {
			return err
		}
		var err error
		if d.onion, err = d.Onion(); err != nil {
			return err
		}
		if d.TLSCert != "" || d.TLSKey != "" {
			return d.readCertificate()
		}
		return nil
	}
	c := d.before.state
	d.onion, d.looked, d.told = c.Onion, c.Looked, c.Told
	if c.Hangup {
		select {
		case d.hup <- syscall.SIGHUP:
		default: // there is one
		}
	}
	if err := d.useRecipients(strings.Join(c.Recipients, "\n")); err != nil {
		return err
	}
	if c.Cert != nil {
		return d.useCertificate(c.Cert, c.Key)
	}
	return nil
}

// carry returns what the next process image takes over.
func (d *daemon) carry(state server.State) carried {
	c := carried{
		Server:     state,
		Settings:   d.Settings,
		Recipients: d.to.Load().Strings(),
		Looked:     d.looked,
		Told:       d.told,
		Hangup:     len(d.hup) > 0,
		Onion:      d.onion,
		Proven:     d.proven(),
		Keys:       d.keys,
		Memory:     d.memory,
	}
	if pair := d.certificate.Load(); pair != nil {
		c.Cert, c.Key = pair.cert, pair.key
	}
	if d.disk != nil {
		c.Doubtful, c.Disk = d.disk.Doubtful(), d.disk.Identity()
	}
	if d.acme != nil {
		c.NextOrders = d.acme.due()
	}
	return c
}
