package scrub

import "bytes"

// hints are words of metadata that people can read, in any format, and what
// they tell. They serve the report alone: metadata without any of these words
// is removed as well.
var hints = []struct{ word, class string }{
	{"\xa9xyz", Place}, {"loci", Place}, {"location", Place}, {"GPS", Place}, {"latitude", Place},
	{"City", Place}, {"LOCATION", Place},
	{"\xa9day", Time}, {"creationdate", Time}, {"CreateDate", Time}, {"DateTime", Time}, {"creation_time", Time},
	{"DATE", Time}, {"date", Time}, {"TDRC", Time}, {"TYER", Time}, {"ICRD", Time},
	{"make", Device}, {"model", Device}, {"\xa9mak", Device}, {"\xa9mod", Device}, {"tiff:Make", Device},
	{"manufacturer", Device},
	{"\xa9swr", Software}, {"\xa9too", Software}, {"CreatorTool", Software}, {"ENCODER", Software}, {"encoder", Software},
	{"software", Software}, {"Software", Software}, {"TSSE", Software}, {"TENC", Software}, {"ISFT", Software},
	{"Lavf", Software}, {"Lavc", Software},
	{"DocumentID", IDs}, {"InstanceID", IDs}, {"content.identifier", IDs}, {"Serial", IDs}, {"IMEI", IDs},
	{"\xa9ART", Person}, {"\xa9aut", Person}, {"auth", Person}, {"creator", Person}, {"ARTIST", Person},
	{"artist", Person}, {"Author", Person}, {"TPE1", Person}, {"IART", Person}, {"Copyright", Person},
	{"\xa9nam", Text}, {"\xa9cmt", Text}, {"dscp", Text}, {"title", Text}, {"TITLE", Text}, {"comment", Text},
	{"COMMENT", Text}, {"Comment", Text}, {"description", Text}, {"TIT2", Text},
	{"COMM", Text}, {"ICMT", Text}, {"INAM", Text},
	{"covr", Preview}, {"APIC", Preview}, {"METADATA_BLOCK_PICTURE", Preview}, {"Thumbnail", Preview},
	{"thumbnail", Preview},
	{"MotionPhoto", Embedded}, {"MicroVideo", Embedded}, {"GContainer", Embedded},
}

// noteWords adds to the report the classes of the hints in a piece of metadata,
// or the class otherwise if there are none.
func (s *stream) noteWords(b []byte, otherwise string) {
	some := false
	for _, h := range hints {
		if bytes.Contains(b, []byte(h.word)) {
			s.found(h.class)
			some = true
		}
	}
	if !some {
		s.found(otherwise)
	}
}

// noteNext is noteWords for the next n bytes of the input, of which it looks
// at no more than the first few KiB. It takes none.
func (s *stream) noteNext(n int64, otherwise string) {
	s.noteWords(s.peek(min(n, 4<<10)), otherwise)
}
