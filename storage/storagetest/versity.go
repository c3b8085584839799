package storagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// VersityEnv names the environment variable with the path of the versitygw
// program. Tests that need it are skipped without; ./test installs and sets it.
const VersityEnv = "TEMOIN_VERSITYGW"

// Versity is a real S3 server on loopback that enforces policies. It holds one
// bucket and three keys.
type Versity struct {
	// Endpoint is its host:port (http).
	Endpoint string
	Bucket   string
	// Root may do everything, Box is a server's key (PutObject on c/*,
	// GetObject on r/*), Coordinator may read, list, write and delete.
	Root, Box, Coordinator Credentials
	// Dir is where the server keeps the bucket's objects.
	Dir string
}

// VersityBinary returns the program, or skips the test.
func VersityBinary(t testing.TB) string {
	t.Helper()
	binary := os.Getenv(VersityEnv)
	if binary == "" {
		t.Skipf("%s does not name a versitygw program; ./test installs one and runs this", VersityEnv)
	}
	return binary
}

// StartVersity starts the program on a free port with a new bucket. The test's
// end stops this process and no other.
func StartVersity(t testing.TB, binary string) *Versity {
	t.Helper()
	v := &Versity{
		Bucket:      "box-test",
		Root:        Credentials{"root", "root secret of no worth"},
		Box:         Credentials{"box", "box secret of no worth"},
		Coordinator: Credentials{"coordinator", "coordinator secret of no worth"},
	}
	dir := t.TempDir()
	iam, data := filepath.Join(dir, "iam"), filepath.Join(dir, "data")
	v.Dir = filepath.Join(data, v.Bucket)
	for _, d := range []string{iam, data} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(iam, "users.json"), v.users(t), 0o600); err != nil {
		t.Fatal(err)
	}
	v.Endpoint = freeAddress(t)
	cmd := exec.Command(binary, "--quiet", "--port", v.Endpoint, "--iam-dir", iam, "posix", data)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+v.Root.Access, "ROOT_SECRET_KEY="+v.Root.Secret)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting versitygw: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-exited
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := v.admin(http.MethodPut, "/"+v.Bucket, "", nil)
		if err == nil {
			break
		}
		select {
		case <-exited:
			t.Fatalf("versitygw ended: %s", output.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("versitygw does not make a bucket: %v", err)
		}
	}
	if err := v.admin(http.MethodPut, "/"+v.Bucket, "policy=", v.policy(t)); err != nil {
		t.Fatalf("setting the policy: %v", err)
	}
	return v
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (v *Versity) users(t testing.TB) []byte {
	accounts := make(map[string]any)
	for _, c := range []Credentials{v.Box, v.Coordinator} {
		accounts[c.Access] = map[string]any{
			"access": c.Access, "secret": c.Secret, "role": "user", "userID": 0, "groupID": 0, "projectID": 0,
		}
	}
	return marshal(t, map[string]any{"accessAccounts": accounts})
}

func (v *Versity) policy(t testing.TB) []byte {
	bucket := "arn:aws:s3:::" + v.Bucket
	allow := func(who Credentials, resource any, actions ...string) map[string]any {
		return map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"AWS": []string{who.Access}}, "Action": actions, "Resource": resource,
		}
	}
	return marshal(t, map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{
			allow(v.Box, bucket+"/c/*", "s3:PutObject"),
			allow(v.Box, bucket+"/r/*", "s3:GetObject"),
			allow(v.Coordinator, []string{bucket + "/*"}, "s3:PutObject", "s3:GetObject", "s3:DeleteObject"),
			allow(v.Coordinator, []string{bucket}, "s3:ListBucket"),
		},
	})
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// admin sends one request signed with the root key.
func (v *Versity) admin(method, path, query string, body []byte) error {
	resp, err := v.Do(v.Root, method, path, query, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return nil
}

// Do sends a request of any kind, signed with the given key, for tests that
// ask what a key may do. The caller closes the answer's body.
func (v *Versity) Do(who Credentials, method, path, query string, body []byte) (*http.Response, error) {
	req, err := http.NewRequest(method, "http://"+v.Endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = query
	sum := sha256.Sum256(body)
	sign(req, who, hex.EncodeToString(sum[:]), time.Now())
	client := &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(req)
}

// Truncated sends a signed PUT of body that breaks off after n bytes.
func (v *Versity) Truncated(who Credentials, key string, body []byte, n int) error {
	req, err := http.NewRequest(http.MethodPut, "http://"+v.Endpoint+"/"+v.Bucket+"/"+key, nil)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	sign(req, who, hex.EncodeToString(sum[:]), time.Now())
	conn, err := net.DialTimeout("tcp", v.Endpoint, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	var head bytes.Buffer
	fmt.Fprintf(&head, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", req.URL.Path, v.Endpoint, len(body))
	req.Header.Write(&head)
	head.WriteString("\r\n")
	head.Write(body[:n])
	if _, err := conn.Write(head.Bytes()); err != nil {
		return err
	}
	// Half-closed, so that the server knows that nothing more will come.
	conn.(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	io.Copy(io.Discard, conn)
	return nil
}
