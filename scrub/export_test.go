package scrub

import (
	"maps"
	"slices"
	"strings"
)

// SameLength reports whether files of this type keep their length when they
// are cleaned, because positions inside of them must stay true.
func SameLength(typ string) bool { return formats[typ].same }

// Words are the words of hints, each with its class.
func Words() map[string]string {
	m := map[string]string{}
	for _, h := range hints {
		m[h.word] = h.class
	}
	return m
}

// Tags are the Exif tags that have a class.
func Tags() []uint16 { return slices.Sorted(maps.Keys(tagClasses)) }

// Names are the chunks, boxes and properties in the tables of formats, by
// table.
func Names() map[string][]string {
	m := map[string][]string{
		"png": slices.Sorted(maps.Keys(pngKeep)),
		"wav": slices.Sorted(maps.Keys(wavNames)), "heif": slices.Sorted(maps.Keys(heifProps)),
	}
	for k := range isoGrammar {
		parent, typ, _ := strings.Cut(k, "/")
		m["parent"], m["box"] = append(m["parent"], parent), append(m["box"], typ)
	}
	for _, k := range []string{"parent", "box"} {
		slices.Sort(m[k])
		m[k] = slices.Compact(m[k])
	}
	return m
}

// Elements are all identifiers of Matroska in the tables.
func Elements() (ids []uint32) {
	for parent, kinds := range mkvAllowed {
		ids = append(append(ids, parent), slices.Collect(maps.Keys(kinds))...)
	}
	ids = append(ids, slices.Collect(maps.Keys(mkvTells))...)
	ids = append(ids, slices.Collect(maps.Keys(mkvEnds))...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ExifEntries counts the entries that are looked at in an Exif block.
func ExifEntries(b []byte) (n int) {
	if t, ok := tiffOf(b); ok {
		t.walk(func(int, uint16, uint16, uint32, []byte) { n++ })
	}
	return n
}
