package scrub

// SameLength reports whether files of this type keep their length when they
// are cleaned, because positions inside of them must stay true.
func SameLength(typ string) bool { return formats[typ].same }
