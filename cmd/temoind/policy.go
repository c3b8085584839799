package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"temoin/cmd/temoind/settings"
	"temoin/storage"
	"temoin/storage/s3"
)

const policyHelp = `
The first policy is for the server's key, the second for the coordinators' key.
Each is for one user. A service that knows policies of buckets only wants the
statements of both in one, each with its "Principal". The third document is no policy:
it is the bucket's lifecycle configuration, which deletes what coordinators have set
aside when they can no longer take it back.
`

// policyDocument holds the rights of a key, in the language of S3's policies.
type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Effect   string
	Action   []string
	Resource []string
}

// policy is the command "temoind policy".
func policy(args []string, stdout, stderr io.Writer) error {
	s, print, err := settings.Read("policy", args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stderr, policyHelp)
		return nil
	case err != nil:
		return err
	case print:
		return s.Print(stdout)
	}
	if _, ok := s.Folder(); ok {
		return errors.New("the store is a folder: there is no bucket to make a policy for")
	}
	c, err := s3.Parse(s.Store)
	if err != nil {
		return err
	}
	for i, document := range policies(c) {
		fmt.Fprintln(stderr, []string{
			"# for the server's key: it adds objects and reads replies, nothing else",
			"# for the coordinators' key; to rekey, or to restore what was set aside, they need s3:PutObject on c/* for that time",
		}[i])
		b, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s\n", b)
	}
	fmt.Fprintln(stderr, "# for the bucket: what was set aside goes by itself")
	b, err := json.MarshalIndent(lifecycleOf(c), "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s\n", b)
	_, err = io.WriteString(stderr, policyHelp)
	return err
}

// lifecycle is the lifecycle configuration of a bucket, in the language of S3.
type lifecycle struct{ Rules []lifecycleRule }

type lifecycleRule struct {
	ID         string
	Status     string
	Filter     struct{ Prefix string }
	Expiration struct{ Days int }
}

func lifecycleOf(c s3.Config) lifecycle {
	r := lifecycleRule{ID: "temoin-aside", Status: "Enabled"}
	r.Filter.Prefix = "aside/"
	if c.Prefix != "" {
		r.Filter.Prefix = c.Prefix + "/aside/"
	}
	r.Expiration.Days = storage.AsideDays + 1
	return lifecycle{[]lifecycleRule{r}}
}

// policies returns the least rights of the server's and the coordinators' key.
func policies(c s3.Config) [2]policyDocument {
	bucket := "arn:aws:s3:::" + c.Bucket
	under := bucket + "/"
	if c.Prefix != "" {
		under += c.Prefix + "/"
	}
	allow := func(resource string, actions ...string) policyStatement {
		return policyStatement{"Allow", actions, []string{resource}}
	}
	const version = "2012-10-17" // of the language
	return [2]policyDocument{
		{version, []policyStatement{allow(under+"c/*", "s3:PutObject"), allow(under+"r/*", "s3:GetObject")}},
		{version, []policyStatement{
			allow(bucket, "s3:ListBucket"),
			allow(under+"*", "s3:GetObject", "s3:DeleteObject"),
			allow(under+"r/*", "s3:PutObject"),
			allow(under+"aside/*", "s3:PutObject"),
		}},
	}
}
