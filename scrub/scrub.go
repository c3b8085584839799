// Package scrub removes hidden details from photos, videos and sound: the
// place, the time, the phone, names, comments, previews of what was cut away.
//
// It works by allow-list: what a decoder needs stays, with the rotation and the
// colours, and everything else goes. Pixels and samples are never decoded and
// never change. The type of a file is taken from its bytes, never its name.
//
// [Copy] works in one pass and bounded memory, while a file streams by. [File]
// reads the file twice, so it also removes bytes that the file describes only
// further on, such as telemetry in front of the index of a video. Both write
// the same bytes where both can remove everything.
//
// What cannot be cleaned passes untouched and is reported as [Unknown] details:
// nothing is lost, and nothing is called clean that is not. PDF and office
// documents are always such files.
//
// It needs the standard library alone. The page has a twin in TypeScript that
// writes the same bytes; testdata/vectors/scrub.json holds both to it.
package scrub

import (
	"errors"
	"io"
	"sync"
)

// What became of the hidden details of a file.
const (
	Removed = "removed" // all but what a decoder needs is gone
	Partly  = "partly"  // some bytes had been written before the file said what they were
	Unknown = "unknown" // not a format we clean, or broken: bytes left as they are
)

// Classes of what was found and removed.
const (
	Place    = "place"
	Time     = "time"
	Device   = "device"   // make, model, software, maker notes
	IDs      = "ids"      // serial numbers, unique identifiers
	Person   = "person"   // author, owner, copyright
	Text     = "text"     // comments, titles, keywords
	Preview  = "preview"  // thumbnails
	Embedded = "embedded" // further pictures, videos, files, telemetry
	Software = "software" // which program wrote the file
	Other    = "other"    // data that no decoder needs
)

// Report says what was done to a file.
type Report struct {
	Type    string   // media type, from the bytes
	Details string   // Removed, Partly or Unknown
	Removed []string // sorted classes of what was found and taken out
}

// A format is one way to clean. Its function reads all of its stream. What it
// cannot parse it leaves to stream.giveUp.
type format struct {
	clean func(*stream)
	same  bool // the output is as long as the input
}

var formats = map[string]format{
	"image/jpeg":       {clean: jpeg},
	"image/png":        {clean: png},
	"image/gif":        {clean: gif},
	"image/webp":       {clean: webp, same: true},
	"image/heic":       {clean: isobmff, same: true},
	"image/avif":       {clean: isobmff, same: true},
	"video/mp4":        {clean: isobmff, same: true},
	"video/quicktime":  {clean: isobmff, same: true},
	"video/3gpp":       {clean: isobmff, same: true},
	"video/3gpp2":      {clean: isobmff, same: true},
	"audio/mp4":        {clean: isobmff, same: true},
	"video/webm":       {clean: matroska, same: true},
	"video/x-matroska": {clean: matroska, same: true},
	"audio/mpeg":       {clean: mp3},
	"audio/ogg":        {clean: ogg},
	"audio/wav":        {clean: wav, same: true},
	"audio/flac":       {clean: flac},
}

// Windows: how far ahead of the output a parser may look, in bytes. A file with
// a larger part that has to be parsed at once is [Unknown].
const (
	streamWindow = 64 << 10
	fileWindow   = 16 << 20
)

// The most pieces of a file that are remembered to be zeroed later. It bounds
// the memory that a hostile file can take. A camera that writes where it was once a second
// makes 2,048 in half an hour.
const (
	streamSpans = 2 << 10
	fileSpans   = 64 << 10
)

var streams = sync.Pool{New: func() any { return &stream{base: make([]byte, baseWindow)} }}

// Copy reads a file from src to its end and writes it to dst without hidden
// details, holding at most 64 KiB of it. An error is one of src or of dst; what
// was read before an error of src has been written. What cannot be parsed is
// no error: it is written as it is, and the report says [Unknown].
func Copy(dst io.Writer, src io.Reader) (Report, error) {
	s := streams.Get().(*stream)
	defer s.release()
	s.reset(dst, src)
	s.maxWindow, s.maxSpans = streamWindow, streamSpans
	return s.run()
}

// File is [Copy] for what can be read twice. It reads once without writing,
// then writes, so it never reports [Partly], and where it reports [Unknown] it
// has written the file exactly as it is.
func File(dst io.Writer, src io.ReadSeeker) (Report, error) {
	s := &stream{base: make([]byte, 256<<10), maxWindow: fileWindow, maxSpans: fileSpans}
	s.reset(io.Discard, src)
	s.seeker = src
	rep, err := s.run()
	if err != nil {
		return rep, err
	}
	late := s.late
	if s.partly { // too much to remember, or tables that could not be read: a second pass knows no more
		rep.Details = Unknown
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return rep, err
	}
	s.reset(dst, src)
	if rep.Details != Unknown {
		s.hidden = late
		rep, err = s.run()
		if rep.Details != Removed && err == nil {
			err = errChanged
		}
		return rep, err
	}
	rep.Removed = nil
	if !s.try((*stream).copyRest, &err) {
		return rep, err
	}
	return rep, s.broken()
}

var errChanged = errors.New("scrub: the file changed while it was read")
