package s3

import (
	"errors"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
)

// advised is a refusal for which there is a remedy.
type advised struct {
	error
	remedy string
}

func (a *advised) Error() string { return a.error.Error() + ": " + a.remedy }
func (a *advised) Unwrap() error { return a.error }

// Explain takes the text of an error of this package apart. The remedy is empty
// if none is known.
func Explain(err error) (reason, remedy string) {
	reason = err.Error()
	var a *advised
	if errors.As(err, &a) {
		return strings.TrimSuffix(reason, ": "+a.remedy), a.remedy
	}
	return reason, ""
}

// advise adds to a refusal what an operator can do about it. Of what the service
// wrote only a region is passed on, if it looks like one.
func advise(err error, answer minio.ErrorResponse) error {
	remedy := remedies[answer.Code]
	switch {
	case elsewhere(answer) && regionName.MatchString(answer.Region):
		remedy = "the bucket is in another region: write ?region=" + answer.Region + " after its name"
	case elsewhere(answer):
		remedy = "the bucket is at another address or in another region: take the host that the provider names for it, and write ?region=NAME after the bucket's name"
	case locked(answer):
		remedy = "it demands a checksum, as a bucket with object lock does: take a bucket without a default retention, or what coordinators remove would stay"
	}
	if remedy == "" {
		return err
	}
	return &advised{err, remedy}
}

var remedies = map[string]string{
	minio.AccessDenied:      `the key may not do this, or its rights are for another bucket: see "temoind policy"`,
	"AllAccessDisabled":     "the provider has closed this account or bucket: ask it",
	"InvalidAccessKeyId":    "the service does not know the access key",
	"SignatureDoesNotMatch": "the secret key is wrong, or the region is (?region=NAME after the name of the bucket)",
	"RequestTimeTooSkewed":  "the clock of this machine is wrong: set it (systemd-timesyncd does)",
}

// elsewhere reports whether the service says that the bucket is at another address or
// in another region.
func elsewhere(answer minio.ErrorResponse) bool {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	switch answer.Code {
	case minio.AuthorizationHeaderMalformed, minio.InvalidRegion,
		"IllegalLocationConstraintException", "IncorrectEndpoint":
		return true
	}
	return false
}

// locked reports whether the service refuses an upload for its missing checksum, as
// buckets with object lock do: S3 says so with InvalidRequest and in the message alone.
func locked(answer minio.ErrorResponse) bool {
	if answer.StatusCode != http.StatusBadRequest {
		return false
	}
	message := strings.ToLower(answer.Message)
	return answer.Code == "InvalidRequest" || strings.Contains(message, "content-md5") ||
		strings.Contains(message, "object lock") || strings.Contains(message, "x-amz-checksum")
}

// refusesHeader reports whether the answer may be about If-None-Match: S3 answers
// 501 for a header that it does not know, others 400.
func refusesHeader(err error) bool {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return false
	}
	return answer.StatusCode == http.StatusNotImplemented || answer.StatusCode == http.StatusBadRequest
}
