package s3

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixPart = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	hostName   = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)
)

// Parse reads s3://HOST[:PORT]/BUCKET[/PREFIX][?insecure=true][&region=NAME].
// It refuses everything else, keys in the URL above all: others can read command lines
// and configurations.
func Parse(s string) (Config, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The text of url.Parse's error would hold the URL, and a key in it.
		return Config{}, errors.New("storage/s3: not a URL")
	}
	switch {
	case u.Scheme != "s3":
		return Config{}, errors.New("storage/s3: the URL does not start with s3://")
	case u.User != nil:
		return Config{}, errors.New("storage/s3: keys do not belong into the URL")
	case u.Fragment != "" || u.Opaque != "" || strings.Contains(s, "#") || u.RawPath != "":
		return Config{}, errors.New("storage/s3: the URL has more than host, bucket and prefix")
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	cfg := Config{Endpoint: u.Host, Bucket: bucket, Prefix: strings.TrimSuffix(prefix, "/")}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, errors.New("storage/s3: the URL's parameters cannot be read")
	}
	for name, values := range query {
		if len(values) != 1 {
			return Config{}, fmt.Errorf("storage/s3: the URL has %q twice", name)
		}
		switch v := values[0]; {
		case name == "insecure" && (v == "true" || v == "false"):
			cfg.Insecure = v == "true"
		case name == "region" && v != "":
			cfg.Region = v
		case name == "insecure" || name == "region":
			return Config{}, fmt.Errorf("storage/s3: the URL's %q has a value that means nothing", name)
		default:
			return Config{}, errors.New("storage/s3: the URL has a parameter that is neither insecure nor region")
		}
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if err := cfg.check(); err != nil {
		return Config{}, fmt.Errorf("storage/s3: %w", err)
	}
	return cfg, nil
}

func (c Config) check() error {
	switch {
	case !hostName.MatchString(c.Endpoint):
		return errors.New("no host, or not a host")
	case !bucketName.MatchString(c.Bucket) || strings.Contains(c.Bucket, ".."):
		return errors.New("not a bucket name")
	case strings.HasSuffix(c.Bucket, "--x-s3"):
		// They need a session, which is a request more than PutObject.
		return errors.New("directory buckets are not supported")
	case !regionName.MatchString(c.Region):
		return errors.New("not a region")
	case c.Prefix == "":
		return nil
	}
	for part := range strings.SplitSeq(c.Prefix, "/") {
		if !prefixPart.MatchString(part) || part == "." || part == ".." {
			return errors.New("not a prefix: use letters, digits, dots, - and _, with single slashes")
		}
	}
	return nil
}
