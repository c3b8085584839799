package server

import (
	"mime"
	"net/url"
	"strings"
)

// head is what the headers of a part say about it.
type head struct {
	field string // a text field that the form has, or empty: then it is a file
	name  string // of the file, as the sender's program gave it
}

// headers gathers what matters of the headers of a part.
type headers struct {
	dispositions, types []string
	last                *string // the value that a folded line continues
}

// add takes a line of the headers. It reports whether the line is well-formed.
func (h *headers) add(line string) bool {
	if line[0] == ' ' || line[0] == '\t' {
		if h.last != nil {
			*h.last += " " + strings.Trim(line, " \t")
		}
		return h.last != nil
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	value = strings.Trim(value, " \t")
	switch strings.ToLower(name) {
	case "content-disposition":
		h.dispositions = append(h.dispositions, value)
		h.last = &h.dispositions[len(h.dispositions)-1]
	case "content-type":
		h.types = append(h.types, value)
		h.last = &h.types[len(h.types)-1]
	default:
		h.last = new(string)
	}
	return true
}

// head decides whether a part is a text field or a file. It is text only if it has
// exactly one Content-Disposition, well-formed, and no type but text/plain. What is
// malformed, repeated or unknown may be a photo, and is kept as a file.
func (h *headers) head() head {
	if len(h.dispositions) == 1 && h.textual() {
		if field := textField(h.dispositions[0]); field != "" {
			return head{field: field}
		}
	}
	for _, d := range h.dispositions {
		if name := fileName(d); name != "" {
			return head{name: name}
		}
	}
	return head{}
}

// textual reports whether the type of the part is that of a text, or none.
func (h *headers) textual() bool {
	for _, t := range h.types {
		if t, _, _ = strings.Cut(t, ";"); !strings.EqualFold(strings.TrimSpace(t), "text/plain") {
			return false
		}
	}
	return true
}

// textField returns the text field of the form that a Content-Disposition names, or
// nothing. If it has a file name in any spelling, such as filename*0, it names none.
func textField(disposition string) string {
	kind, params, err := mime.ParseMediaType(disposition)
	if err != nil || kind != "form-data" || strings.Contains(strings.ToLower(disposition), "filename") {
		return ""
	}
	switch name := params["name"]; name {
	case "words", "where", "when", "details":
		return name
	}
	return ""
}

// fileName returns the last element of the file name in a Content-Disposition, if
// need be by a guess.
func fileName(disposition string) string {
	_, params, err := mime.ParseMediaType(disposition)
	name := params["filename"]
	if err != nil || name == "" {
		name = looseName(disposition)
	}
	name = strings.TrimRight(name, `/\`)
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// looseName finds a file name in a malformed Content-Disposition. Many programs do not
// escape quotes and backslashes, so a quoted name ends at the last quote.
func looseName(disposition string) string {
	const key = "filename"
	for i := 1; i+len(key) < len(disposition); i++ {
		if !strings.EqualFold(disposition[i:i+len(key)], key) || !strings.ContainsRune("; \t", rune(disposition[i-1])) {
			continue
		}
		sort, value, ok := strings.Cut(disposition[i+len(key):], "=")
		if sort = strings.Trim(sort, " \t"); !ok || strings.Trim(sort, "*0123456789") != "" {
			continue
		}
		value = strings.TrimLeft(value, " \t")
		if quoted, ok := strings.CutPrefix(value, `"`); ok {
			if end := strings.LastIndexByte(quoted, '"'); end >= 0 {
				quoted = quoted[:end]
			}
			return quoted
		}
		value, _, _ = strings.Cut(value, ";")
		if value = strings.TrimSpace(value); strings.HasSuffix(sort, "*") {
			value = value[strings.LastIndexByte(value, '\'')+1:]
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
		}
		return value
	}
	return ""
}
