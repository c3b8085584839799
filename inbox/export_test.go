package inbox

import (
	"bytes"
	"encoding/json"
	"time"
)

// Tests wait less between tries.
func init() { pause = 5 * time.Millisecond }

// SkipList reads a skip list and writes it again.
func SkipList(b []byte) ([]byte, int, error) {
	keys, err := readSkipList(bytes.NewReader(b))
	var out []byte
	for k := range keys {
		out = append(append(out, k.String()...), '\n')
	}
	return out, len(keys), err
}

// Index parses an index and writes it again.
func Index(b []byte) ([]byte, error) {
	var ix index
	if err := json.Unmarshal(b, &ix); err != nil {
		return nil, err
	}
	return json.Marshal(ix)
}

var FileName = fileName
