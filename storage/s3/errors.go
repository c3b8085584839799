package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"syscall"

	"github.com/minio/minio-go/v7"

	"temoin/storage"
)

// mapped turns what minio-go reports into an error of package storage, and
// says whether another try may help. minio-go's texts hold the URL, hence the
// object's name, and what the server wrote: neither is passed on.
func mapped(err error) (_ error, again bool) {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return fmt.Errorf("%w: %s", storage.ErrUnreachable, trouble(err)), true
	}
	status, code := answer.StatusCode, safeCode(answer.Code)
	wrap := func(sentinel error) error {
		return advise(fmt.Errorf("%w: status %d %s", sentinel, status, code), answer)
	}
	switch {
	case status == http.StatusPreconditionFailed:
		return wrap(storage.ErrExist), false
	case status == http.StatusInsufficientStorage, full[code]:
		return wrap(storage.ErrFull), false
	case status == http.StatusNotFound && code == minio.NoSuchKey:
		return wrap(storage.ErrNotExist), false
	case status == http.StatusNotImplemented:
		return wrap(storage.ErrDenied), false
	case status >= 500, status == http.StatusConflict, status == http.StatusTooManyRequests,
		status == http.StatusRequestTimeout, code == "RequestTimeout", code == "SlowDown":
		return wrap(storage.ErrUnreachable), true
	}
	return wrap(storage.ErrDenied), false
}

// full holds the codes with which services say that there is no room.
var full = map[string]bool{
	"QuotaExceeded":                  true,
	"InsufficientCapacity":           true,
	"StorageFull":                    true,
	"XMinioStorageFull":              true,
	"XMinioAdminBucketQuotaExceeded": true,
}

var plainCode = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// safeCode passes on S3's error codes, which are single words, and nothing
// else that a server may write in their place.
func safeCode(code string) string {
	if plainCode.MatchString(code) {
		return code
	}
	return "without a code"
}

// trouble says in fixed words why there was no answer.
func trouble(err error) string {
	var netErr net.Error
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var errno syscall.Errno
	switch {
	case errors.As(err, &cert):
		return "its certificate is not trusted"
	case errors.As(err, &dns):
		return "its host name is not known"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, errQuiet), errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return "no answer in time"
	}
	return "the connection broke"
}

// spoolError maps an error of the spool's file system.
func spoolError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = fmt.Errorf("spool: %s: %w", pe.Op, pe.Err)
	}
	return storage.DiskError(err)
}
