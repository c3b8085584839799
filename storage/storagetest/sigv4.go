package storagetest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Credentials are the two halves of an S3 key.
type Credentials struct {
	Access, Secret string
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	amzTime    = "20060102T150405Z"
	signRegion = "us-east-1"
)

// sign signs a request whose body has the given hash, with all its headers.
func sign(req *http.Request, c Credentials, bodySHA string, now time.Time) {
	req.Header.Set("X-Amz-Date", now.UTC().Format(amzTime))
	req.Header.Set("X-Amz-Content-Sha256", bodySHA)
	signed := []string{"host"}
	for name := range req.Header {
		signed = append(signed, strings.ToLower(name))
	}
	slices.Sort(signed)
	scope := now.UTC().Format("20060102") + "/" + signRegion + "/s3/aws4_request"
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	signature := signature(req, host, signed, scope, c.Secret)
	req.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, c.Access, scope, strings.Join(signed, ";"), signature))
}

// BarePut is what the S3 stores' benchmarks compare with: one signed PUT of a
// body in memory, hashed, without a condition, a spool or a second try.
func BarePut(client *http.Client, endpoint, bucket, key string, body []byte, c Credentials) error {
	req, err := http.NewRequest(http.MethodPut, "http://"+endpoint+"/"+bucket+"/"+key, bytes.NewReader(body))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	sign(req, c, hex.EncodeToString(sum[:]), time.Now())
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// verify checks the signature of a request that arrived, and that it covers
// what matters.
func verify(req *http.Request, c Credentials, now time.Time) error {
	fields, ok := strings.CutPrefix(req.Header.Get("Authorization"), algorithm+" ")
	if !ok {
		return errors.New("no signature of version 4")
	}
	values := make(map[string]string)
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		values[name] = value
	}
	access, scope, _ := strings.Cut(values["Credential"], "/")
	if access != c.Access {
		return errors.New("unknown access key")
	}
	date, err := time.Parse(amzTime, req.Header.Get("X-Amz-Date"))
	if err != nil || now.Sub(date).Abs() > 15*time.Minute {
		return errors.New("no date, or too far from now")
	}
	if want := date.Format("20060102") + "/" + signRegion + "/s3/aws4_request"; scope != want {
		return fmt.Errorf("scope %q, want %q", scope, want)
	}
	signed := strings.Split(values["SignedHeaders"], ";")
	for name := range req.Header {
		name = strings.ToLower(name)
		covered := name == "host" || name == "if-none-match" || name == "content-type" || name == "range" ||
			strings.HasPrefix(name, "x-amz-")
		if covered && !slices.Contains(signed, name) {
			return fmt.Errorf("header %s is not signed", name)
		}
	}
	if !slices.Contains(signed, "host") {
		return errors.New("the host is not signed")
	}
	if want := signature(req, req.Host, signed, scope, c.Secret); !hmac.Equal([]byte(want), []byte(values["Signature"])) {
		return errors.New("wrong signature")
	}
	return nil
}

func signature(req *http.Request, host string, signed []string, scope, secret string) string {
	var canonical strings.Builder
	canonical.WriteString(req.Method + "\n" + escape(req.URL.Path, true) + "\n" + canonicalQuery(req.URL.Query()) + "\n")
	for _, name := range signed {
		values := req.Header.Values(name)
		if name == "host" {
			values = []string{host}
		}
		if name == "content-length" && len(values) == 0 {
			values = []string{fmt.Sprint(req.ContentLength)}
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		canonical.WriteString(name + ":" + strings.Join(trimmed, ",") + "\n")
	}
	canonical.WriteString("\n" + strings.Join(signed, ";") + "\n" + req.Header.Get("X-Amz-Content-Sha256"))

	sum := sha256.Sum256([]byte(canonical.String()))
	toSign := algorithm + "\n" + req.Header.Get("X-Amz-Date") + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, v := range values {
			pairs = append(pairs, escape(name, false)+"="+escape(v, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape escapes as the signature wants it: all but letters, digits and -_.~
func escape(s string, keepSlash bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte("-_.~", c) >= 0, c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
