package s3

import "time"

// NewQuick is New with short deadlines.
func NewQuick(cfg Config, tries int, total, quiet time.Duration) (*Store, error) {
	return newStore(cfg, limits{tries: tries, total: total, quiet: quiet, pause: time.Millisecond})
}
