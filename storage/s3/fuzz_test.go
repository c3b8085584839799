package s3_test

import (
	"strings"
	"testing"

	"temoin/storage/s3"
)

// FuzzParse: an address that is accepted names a host and a bucket, asks for
// plain http only in so many words, and carries no credentials.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"s3://s3.example/box", "s3://127.0.0.1:7070/box/a/b?insecure=true&region=eu",
		"s3://key:secret@host/box", "s3://host/box?x=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := s3.Parse(s)
		if err != nil {
			return
		}
		if c.Endpoint == "" || c.Bucket == "" || strings.ContainsAny(c.Endpoint+c.Bucket, "@/? ") {
			t.Fatalf("%q: %+v", s, c)
		}
		if c.Insecure && !strings.Contains(s, "insecure=") || c.AccessKey != "" || c.SecretKey != "" {
			t.Fatalf("%q: %+v", s, c)
		}
	})
}
