package box

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/e2e/run"
)

// The bucket of the tests, and the keys for it.
const (
	RootKey, RootSecret = "e2e-root", "e2e-root-secret"
	BoxKey, BoxSecret   = "e2e-box", "e2e-box-secret"
	Bucket              = "drops"

	CoordinatorKey, CoordinatorSecret = "e2e-coordinator", "e2e-coordinator-secret"
)

// StartS3 starts a real S3 server with one bucket, in which the server's key
// may write and nothing else, and returns the argument for --store and --from.
func StartS3(t testing.TB) string {
	t.Helper()
	program := os.Getenv("TEMOIN_VERSITYGW")
	if program == "" {
		t.Skip("TEMOIN_VERSITYGW does not name an S3 server; ./test sets it")
	}
	dir, addr := t.TempDir(), run.FreeAddr(t)
	for _, d := range []string{"iam", "data"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	accounts := map[string]any{}
	for key, secret := range map[string]string{BoxKey: BoxSecret, CoordinatorKey: CoordinatorSecret} {
		accounts[key] = map[string]any{"access": key, "secret": secret, "role": "user", "userID": 0, "groupID": 0,
			"projectID": 0}
	}
	users := map[string]any{"accessAccounts": accounts}
	WriteJSON(t, filepath.Join(dir, "iam", "users.json"), users)
	env := []string{"ROOT_ACCESS_KEY=" + RootKey, "ROOT_SECRET_KEY=" + RootSecret}
	run.Start(t, dir, env, program, "--quiet", "--port", addr, "--iam-dir", filepath.Join(dir, "iam"),
		"posix", filepath.Join(dir, "data"))
	run.WaitFor(t, "the S3 server", 20*time.Second, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})

	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"AWS": []string{BoxKey}},
		"Action": []string{"s3:PutObject"}, "Resource": []string{"arn:aws:s3:::" + Bucket + "/c/*"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	SignedPut(t, "http://"+addr+"/"+Bucket, nil)
	SignedPut(t, "http://"+addr+"/"+Bucket+"?policy=", policy)
	return "s3://" + addr + "/" + Bucket + "?insecure=true"
}

// SignedPut is a PUT with the root key, signed as S3 wants it (version 4).
func SignedPut(t testing.TB, address string, body []byte) {
	t.Helper()
	req, err := http.NewRequest("PUT", address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	now, hash := time.Now().UTC(), sha256.Sum256(body)
	day, stamp, bodyHash := now.Format("20060102"), now.Format("20060102T150405Z"), hex.EncodeToString(hash[:])
	req.Header.Set("X-Amz-Date", stamp)
	req.Header.Set("X-Amz-Content-Sha256", bodyHash)
	const names = "host;x-amz-content-sha256;x-amz-date"
	asked := sha256.Sum256([]byte(strings.Join([]string{
		"PUT", req.URL.Path, req.URL.RawQuery,
		"host:" + req.URL.Host, "x-amz-content-sha256:" + bodyHash, "x-amz-date:" + stamp, "", names, bodyHash,
	}, "\n")))
	scope := day + "/us-east-1/s3/aws4_request"
	key := []byte("AWS4" + RootSecret)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(asked[:]))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+RootKey+"/"+scope+
		", SignedHeaders="+names+", Signature="+hex.EncodeToString(signature))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		t.Fatalf("PUT %s: %s\n%s", address, resp.Status, answer)
	}
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// WriteJSON writes a configuration file that only its owner reads.
func WriteJSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Credentials are the environment of temoind for an S3 key.
func Credentials(key, secret string) []string {
	return []string{"TEMOIN_S3_ACCESS_KEY=" + key, "TEMOIN_S3_SECRET_KEY=" + secret}
}
