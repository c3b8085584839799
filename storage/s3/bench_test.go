package s3_test

import (
	"net/http"
	"os"
	"testing"

	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

// BenchmarkCommit races the store against bare PUTs, to the fake and, when
// there is one, to a real server.
func BenchmarkCommit(b *testing.B) {
	b.Run("fake", func(b *testing.B) {
		fake := storagetest.NewS3(b)
		race(b, s3.Config{Endpoint: fake.Endpoint, Bucket: fake.Bucket}, fake.Key, fake.Forget)
	})
	b.Run("versity", func(b *testing.B) {
		v := storagetest.StartVersity(b, storagetest.VersityBinary(b))
		race(b, s3.Config{Endpoint: v.Endpoint, Bucket: v.Bucket}, v.Coordinator, func() { os.RemoveAll(v.Dir + "/c") })
	})
}

func race(b *testing.B, cfg s3.Config, who storagetest.Credentials, fresh func()) {
	cfg.Insecure, cfg.AccessKey, cfg.SecretKey, cfg.Spool = true, who.Access, who.Secret, b.TempDir()
	s, err := s3.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	storagetest.Race(b, fresh, s, func(n int, body []byte) error {
		return storagetest.BarePut(client, cfg.Endpoint, cfg.Bucket, storagetest.Key(n), body, who)
	})
}
