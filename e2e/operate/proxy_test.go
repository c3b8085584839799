package operate

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/hostile"
	"temoin/e2e/run"
)

// proxy is a real one, under strace, with the file that we ship in front of a
// box on a unix socket.
type proxy struct {
	*run.Process
	b           *box.Box
	addr, plain string // where it speaks https, and http
	dir         string // all that it may write lies here
	socket, log string
	cert, key   string
	onion       []string // the box's setting
}

func TestCaddy(t *testing.T) {
	p := newProxy(t)
	_, https, _ := net.SplitHostPort(p.addr)
	_, plain, _ := net.SplitHostPort(p.plain)
	file := p.shipped(t, "caddy/Caddyfile",
		"https_port 443", "https_port "+https,
		"http_port 80", "http_port "+plain+"\n\tdefault_bind 127.0.0.1",
		"unix//run/temoin/http.sock", "unix/"+p.socket,
		"# tls /etc/temoin/tls.pem /etc/temoin/tls.key", "tls "+p.cert+" "+p.key)
	p.start(t, "caddy", "run", "--adapter", "caddyfile", "--config", file)
	p.check(t, func(h hostile.Hostile) bool { return h.Caddy })
}

func TestNginx(t *testing.T) {
	p := newProxy(t)
	site := p.shipped(t, "nginx/temoin.conf",
		"listen 443 ssl", "listen "+p.addr+" ssl", "\tlisten [::]:443 ssl default_server;\n", "",
		"listen 80 ", "listen "+p.plain+" ", "\tlisten [::]:80 default_server;\n", "",
		"/run/temoin/http.sock", p.socket,
		"/etc/temoin/tls.pem", p.cert, "/etc/temoin/tls.key", p.key)
	// Around it stands Debian's own file, which does keep an access log.
	file := p.replace(t, "/etc/nginx/nginx.conf",
		"user www-data;", "user root;", "pid /run/nginx.pid;", "pid "+p.dir+"/nginx.pid;",
		"error_log /var/log/nginx/error.log;", "error_log "+p.dir+"/error.log;",
		"access_log /var/log/nginx/access.log;", "access_log "+p.dir+"/access.log;\n"+folders(p.dir),
		"\tinclude /etc/nginx/conf.d/*.conf;\n", "", "include /etc/nginx/sites-enabled/*;", "include "+site+";")
	p.start(t, "nginx", "-c", file, "-e", p.dir+"/start.log", "-g", "daemon off;")
	p.check(t, func(h hostile.Hostile) bool { return h.Nginx })
}

// folders are where nginx would put bodies and answers if it wrote them to disk.
func folders(dir string) string {
	var b strings.Builder
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "\t%s_temp_path %s/%s;\n", what, dir, what)
	}
	return b.String()
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	dir, err := os.MkdirTemp("", "p") // short: the path of a socket has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &proxy{b: box.New(t), addr: run.FreeAddr(t), plain: run.FreeAddr(t), dir: filepath.Join(dir, "w"),
		socket: filepath.Join(dir, "s"), log: filepath.Join(dir, "strace")}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.cert, p.key = box.Certificate(t, box.Host)
	name := filepath.Join(t.TempDir(), "onion")
	if err := os.WriteFile(name, []byte(box.Onion), 0o600); err != nil {
		t.Fatal(err)
	}
	p.onion = []string{"--onion-hostname-file", name}
	p.b.Serve(t, "unix:"+p.socket, p.onion...)
	run.WaitFor(t, "the socket", 20*time.Second, func() bool {
		_, err := os.Stat(p.socket)
		return err == nil
	})
	return p
}

func (p *proxy) shipped(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	return p.replace(t, run.Repo("packaging", name), pairs...)
}

// replace copies a file with some texts replaced, and says which.
func (p *proxy) replace(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			t.Fatalf("%s does not hold %q once", name, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
		t.Logf("%s: %q became %q", name, pairs[i], pairs[i+1])
	}
	file := filepath.Join(filepath.Dir(p.dir), filepath.Base(name))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (p *proxy) start(t *testing.T, name string, args ...string) {
	t.Helper()
	for _, program := range []string{"strace", name} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("no %s in PATH: ./test installs it", program)
		}
	}
	args = append([]string{"-D", "-f", "--seccomp-bpf", "-y", "-s", "2000000", "-o", p.log,
		"-e", "trace=write,pwrite64,writev,pwritev,pwritev2,sendto,splice,copy_file_range,sendfile", "-e", "signal=none",
		name}, args...)
	env := []string{"HOME=" + p.dir, "TMPDIR=" + p.dir, "XDG_DATA_HOME=" + p.dir, "XDG_CONFIG_HOME=" + p.dir}
	p.Process = run.Start(t, p.dir, env, "strace", args...)
	t.Cleanup(func() { p.stop(t) })
	run.WaitFor(t, name, time.Minute, func() bool {
		select {
		case <-p.Done:
			t.Fatalf("%s ended:\n%s", name, p.Out.String())
		default:
		}
		c, err := p.dial(&tls.Config{})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// stop ends it as systemd does, and with it the workers that a kill would leave.
func (p *proxy) stop(t *testing.T) {
	pids := p.pids(t)
	syscall.Kill(p.PID, syscall.SIGTERM)
	select {
	case <-p.Done:
	case <-time.After(run.Patience * 20 * time.Second):
		t.Error("the proxy does not end")
	}
	for _, pid := range pids {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Errorf("process %d is left", pid)
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// pids are those of the proxy and its workers.
func (p *proxy) pids(t *testing.T) []int {
	t.Helper()
	select {
	case <-p.Done:
		return nil
	default:
	}
	all := []int{p.PID}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.PID))
	if err != nil || len(lists) == 0 {
		t.Fatalf("no list of children: %v", err)
	}
	for _, name := range lists {
		b, _ := os.ReadFile(name)
		for _, field := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}
