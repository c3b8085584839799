package server

import (
	"sync"
	"time"

	"temoin/storage"
)

const maxReserve = 1 << 30 // bytes of the disk that stay free; a tenth on small ones

// disk watches the free space of a store that knows it, as a directory does.
type disk struct {
	log   *Log
	space func() (free, total uint64, err error) // nil: the store does not know

	mu     sync.Mutex
	looked time.Time
	isFull bool
}

func newDisk(sink storage.Sink, log *Log) *disk {
	d := &disk{log: log}
	if s, ok := sink.(interface {
		Space() (free, total uint64, err error)
	}); ok {
		d.space = s.Space
	}
	return d
}

// full reports whether less than the reserve is free. It asks the store at most
// once a second, and counts a warning when less than a fifth is free.
func (d *disk) full(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.space == nil || now.Sub(d.looked) < time.Second {
		return d.isFull
	}
	d.looked = now
	free, total, err := d.space()
	if err != nil {
		return d.isFull
	}
	if free < total/5 {
		d.log.Count(EventLow)
	}
	d.isFull = free < Reserve(total)
	return d.isFull
}

// fullNow is full, but asks the store at each call and counts nothing.
func (d *disk) fullNow() bool {
	if d.space == nil {
		return false
	}
	free, total, err := d.space()
	return err == nil && free < Reserve(total)
}

// Reserve is how many bytes of a disk of total bytes a box leaves free: it takes
// no drops while there are fewer.
func Reserve(total uint64) uint64 { return min(maxReserve, total/10) }
