package s3

import (
	"net/http"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// NewQuick is New with short deadlines.
func NewQuick(cfg Config, tries int, total, quiet time.Duration) (*Store, error) {
	return newStore(cfg, limits{tries: tries, total: total, put: budget{tries, total}, quiet: quiet, pause: time.Millisecond})
}

// NewOver is New with a service that is called in place of the network.
func NewOver(cfg Config, service http.RoundTripper) (*Store, error) {
	keys := credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, "")
	return connect(cfg, keys, &transport{base: service, quiet: defaults.quiet}, defaults)
}
