package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestPolicy(t *testing.T) {
	const all = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::box/in/c/*"]},` +
		`{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::box/in/r/*"]}]}` +
		`{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::box"]},` +
		`{"Effect":"Allow","Action":["s3:GetObject","s3:DeleteObject"],"Resource":["arn:aws:s3:::box/in/*"]},` +
		`{"Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::box/in/r/*"]},` +
		`{"Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::box/in/aside/*"]}]}` +
		`{"Rules":[{"ID":"temoin-aside","Status":"Enabled","Filter":{"Prefix":"in/aside/"},"Expiration":{"Days":8}}]}`
	for prefix, want := range map[string]string{"/in": all, "": strings.NewReplacer("/in/", "/", `"in/`, `"`).Replace(all)} {
		var out, errs bytes.Buffer
		if err := run(t.Context(), []string{"policy", "--store", "s3://s3.example/box" + prefix}, &out, &errs); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for d := json.NewDecoder(&out); d.More(); {
			var one json.RawMessage
			if err := d.Decode(&one); err != nil {
				t.Fatal(err)
			}
			json.Compact(&got, one)
		}
		if got.String() != want {
			t.Errorf("%q: got\n%s\nwant\n%s", prefix, &got, want)
		}
		if !strings.Contains(errs.String(), "server's key") {
			t.Errorf("nobody says whose they are: %s", &errs)
		}
	}
	for _, store := range []string{"", "dir:/a", "s3://host"} {
		if err := run(t.Context(), []string{"policy", "--store", store}, io.Discard, io.Discard); err == nil {
			t.Errorf("%q has a policy", store)
		}
	}
}
