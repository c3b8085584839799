package server

import (
	"sync"
	"time"

	"temoin/storage"
)

const maxReserve = 1 << 30 // bytes of the disk that stay free; a tenth on small ones

// disk knows the free space of a store that knows it, as a directory does.
type disk struct {
	log   *Log
	space func() (free, total uint64, err error) // nil: the store does not know

	mu     sync.Mutex
	room   string // as the timer saw it last
	asked  time.Time
	asking bool // an upload does
	isFull bool // as the last upload saw it that asked
}

func newDisk(sink storage.Sink, log *Log) *disk {
	d := &disk{log: log, room: roomOK}
	if s, ok := sink.(interface {
		Space() (free, total uint64, err error)
	}); ok {
		d.space = s.Space
	}
	return d
}

// full reports whether less than the reserve is free. It asks the store at most once a
// second, for one upload; others that come meanwhile do not wait for a disk that hangs.
// Side channel: it counts nothing and does not change what others are told, or that would
// say when an upload came.
func (d *disk) full(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.space == nil || d.asking || now.Sub(d.asked) < time.Second {
		return d.isFull
	}
	d.asked, d.asking = now, true
	d.mu.Unlock()
	free, total, err := d.space()
	d.mu.Lock()
	d.asking = false
	if err == nil {
		d.isFull = Room(free, total) == roomFull
	}
	return d.isFull
}

// look asks the store, once a minute, and returns how much room there is. If there is
// little, it counts that.
func (d *disk) look() string {
	if d.space == nil {
		return roomOK
	}
	free, total, err := d.space() // a disk that hangs must not hold up who holds mu
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.room = Room(free, total)
	}
	if d.room != roomOK {
		d.log.mark(EventLow)
	}
	return d.room
}

// seen returns what the last look found.
func (d *disk) seen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.room
}

// restore takes over what an earlier process image saw.
func (d *disk) restore(room string) {
	if room != "" {
		d.room = room
	}
}

// How much room a disk has.
const (
	roomOK   = "ok"
	roomLow  = "low"  // less than a fifth is free
	roomFull = "full" // less than the reserve: no drops are taken
)

// Room is how much room there is on a disk of total bytes: "ok", "low" when less than a
// fifth is free, or "full" below its [Reserve].
func Room(free, total uint64) string {
	switch {
	case free < Reserve(total):
		return roomFull
	case free < total/5:
		return roomLow
	}
	return roomOK
}

// Reserve is how many bytes of a disk of total bytes a box leaves free: it takes
// no drops while there are fewer.
func Reserve(total uint64) uint64 { return min(maxReserve, total/10) }
