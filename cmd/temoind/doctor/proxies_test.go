package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"temoin/cmd/temoind/settings"
)

const (
	caddyQuiet = "{\n\tadmin off\n\tlog default {\n\t\toutput discard\n\t}\n}\n"
	nginxQuiet = "access_log off; error_log /dev/null crit; proxy_request_buffering off;\n"
	nginxPass  = "location / { proxy_pass http://unix:/run/temoin/http.sock; }\n"
	// What Debian's nginx.conf says.
	nginxMain = "user www-data; # somebody\nevents { worker_connections 768; }\nhttp {\n\taccess_log /var/log/nginx/access.log;\n\tlog_format x '{ \"a\": 1; }';\n\tinclude /etc/nginx/sites-enabled/*;\n}\n"
)

func TestDoctorProxyLogs(t *testing.T) {
	for _, test := range []struct {
		what, listen string
		files        map[string]string
		trouble      int // lines
	}{
		{"no proxy", "", nil, 0},
		{"a quiet Caddy", "", map[string]string{"caddy/Caddyfile": caddyQuiet + "box.example {\n\treverse_proxy unix//run/temoin/http.sock {\n\t\theader_up -X-Forwarded-For\n\t}\n}\n"}, 0},
		{"Caddy with its error log", "", map[string]string{"caddy/Caddyfile": "box.example {\n\treverse_proxy unix//run/temoin/http.sock\n}\n"}, 1},
		{"Caddy with an access log", "", map[string]string{"caddy/Caddyfile": caddyQuiet + "box.example {\n\tlog\n\treverse_proxy unix//run/temoin/http.sock\n}\n"}, 1},
		{"Caddy with a log in a file", "", map[string]string{
			"caddy/Caddyfile":  caddyQuiet + "import sites/*\n",
			"caddy/sites/site": "box.example {\n\tlog {\n\t\toutput file /var/log/caddy/a.log\n\t}\n\treverse_proxy {\n\t\tto unix//run/temoin/http.sock\n\t}\n}\n"}, 1},
		{"only a site's log is discarded", "", map[string]string{"caddy/Caddyfile": "box.example {\n\tlog {\n\t\toutput discard\n\t}\n\treverse_proxy unix//run/temoin/http.sock\n}\n"}, 1},
		{"a comment is no log", "", map[string]string{"caddy/Caddyfile": caddyQuiet + "box.example {\n\t# log\n\treverse_proxy unix//run/temoin/http.sock # log\n}\n"}, 0},
		{"Caddy for somebody else", "", map[string]string{"caddy/Caddyfile": "other.example {\n\tlog\n\treverse_proxy 127.0.0.1:9000\n}\n"}, 0},
		{"Caddy to a port", "127.0.0.1:8080", map[string]string{"caddy/Caddyfile": "box.example {\n\tlog\n\treverse_proxy localhost:8080\n}\n"}, 1},
		{"Caddy to a longer port", "127.0.0.1:808", map[string]string{"caddy/Caddyfile": "box.example {\n\tlog\n\treverse_proxy localhost:8080\n}\n"}, 0},
		{"a quiet nginx", "", map[string]string{"nginx/nginx.conf": nginxMain, "nginx/sites-enabled/box": "server {\n" + nginxQuiet + nginxPass + "}\n"}, 0},
		{"nginx as Debian ships it", "", map[string]string{"nginx/nginx.conf": nginxMain, "nginx/sites-enabled/box": "server {\n" + nginxPass + "}\n"}, 3},
		{"nginx with an access log", "", map[string]string{"nginx/sites-enabled/box": "server {\n" + nginxQuiet + "location / { access_log /var/log/a; proxy_pass http://unix:/run/temoin/http.sock:/; }\n}\n"}, 1},
		{"nginx with a second access log", "", map[string]string{"nginx/sites-enabled/box": "server {\naccess_log /var/log/a;" + nginxQuiet + nginxPass + "}\n"}, 1},
		{"nginx that buffers", "", map[string]string{"nginx/sites-enabled/box": "server { access_log off; error_log /dev/null; " + nginxPass + "}\n"}, 1},
		{"the quiet server is another one", "", map[string]string{"nginx/sites-enabled/box": "server {\n" + nginxQuiet + "}\nserver {\n" + nginxPass + "}\n"}, 3},
		{"quiet for all", "", map[string]string{"nginx/nginx.conf": "http {\n" + nginxQuiet + "}\n", "nginx/conf.d/box.conf": "server {\n" + nginxPass + "}\n"}, 0},
		{"by way of an upstream", "127.0.0.1:8080", map[string]string{
			"nginx/conf.d/up.conf":    "upstream box { server 127.0.0.1:8080; }\nupstream other { server 127.0.0.1:81; }\n",
			"nginx/sites-enabled/box": "server { location / { proxy_pass http://box; } location /o { " + nginxQuiet + "proxy_pass http://other/; } }\n"}, 3},
		{"a stream", "127.0.0.1:8080", map[string]string{
			"nginx/nginx.conf": "stream { upstream box { server 127.0.0.1:8080; } server { listen 443; proxy_pass box; } }\n"}, 2},
		{"a quiet stream", "127.0.0.1:8080", map[string]string{
			"nginx/nginx.conf": "stream { access_log off; error_log /dev/null; server { proxy_pass 127.0.0.1:8080; } }\n"}, 0},
		{"a quote in quotes", "", map[string]string{"nginx/nginx.conf": "http { log_format j \"{\\\"a\\\":1}\"; server {\n" + nginxPass + "} }\n"}, 3},
		{"nginx for somebody else", "", map[string]string{"nginx/nginx.conf": nginxMain, "nginx/sites-enabled/o": "server { location / { proxy_pass http://127.0.0.1:81; } }\n"}, 0},
		{"not in use", "", map[string]string{"nginx/sites-available/box": "server {\n" + nginxPass + "}\n"}, 0},
		{"a broken file", "", map[string]string{"nginx/nginx.conf": "}}{{;'\"", "caddy/Caddyfile": "}\n{\n}}\n{"}, 0},
	} {
		p := newPatient(t, settings.Settings{Listen: settings.List{test.listen}})
		if test.listen == "" {
			p.Listen = settings.List{":443", "unix:/run/temoin/http.sock"}
		}
		for name, text := range test.files {
			put(t, filepath.Join(p.root, "etc", name), text)
		}
		p.proxies(t.Context())
		want := []string{"ok proxy-logs"}
		if test.trouble > 0 {
			want = nil
		}
		for range test.trouble {
			want = append(want, "warn proxy-logs")
		}
		p.want(t, test.what, want...)
	}
}

// Debian puts links into sites-enabled.
func TestDoctorFollowsLinksToSites(t *testing.T) {
	p := newPatient(t, settings.Settings{Listen: settings.List{"unix:/run/temoin/http.sock"}})
	site := put(t, filepath.Join(p.root, "etc/nginx/sites-available/box"), "server {\n"+nginxPass+"}\n")
	link := filepath.Join(p.root, "etc/nginx/sites-enabled/box")
	if err := os.Mkdir(filepath.Dir(link), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(site, link); err != nil {
		t.Fatal(err)
	}
	for dangling, to := range map[string]string{"nothing": "/nothing", "folder": p.root} {
		if err := os.Symlink(to, filepath.Join(filepath.Dir(link), dangling)); err != nil {
			t.Fatal(err)
		}
	}
	p.proxies(t.Context())
	p.want(t, "a linked site", "warn proxy-logs", "warn proxy-logs", "warn proxy-logs")
}

func TestDoctorOnion(t *testing.T) {
	const lines = "SafeLogging 1\nHiddenServiceDir /var/lib/tor/temoin # the box\nHiddenServicePort 80 unix:/run/temoin/http.sock\n"
	for _, test := range []struct {
		what, torrc, listen string
		mode                os.FileMode
		key                 bool
		want                string
	}{
		{"good", lines, "unix:/run/temoin/http.sock", 0o700, true, "ok onion"},
		{"open to others", lines, "unix:/run/temoin/http.sock", 0o750, true, "FAIL onion"},
		{"no key", lines, "unix:/run/temoin/http.sock", 0o700, false, "warn onion"},
		{"no Tor", "", "unix:/run/temoin/http.sock", 0o755, false, "ok onion"},
		{"another onion", lines, "unix:/run/temoin/other.sock", 0o755, true, "ok onion"},
		{"to a port", "hiddenservicedir /var/lib/tor/temoin\nhiddenserviceport 80 8080\n", "127.0.0.1:8080", 0o750, true, "FAIL onion"},
		{"to its own port", "HiddenServiceDir /var/lib/tor/temoin\nHiddenServicePort 80\n", "127.0.0.1:80", 0o750, true, "FAIL onion"},
	} {
		p := newPatient(t, settings.Settings{Listen: settings.List{test.listen}})
		put(t, filepath.Join(p.root, "etc/tor/torrc"), test.torrc)
		folder := filepath.Join(p.root, "var/lib/tor/temoin")
		put(t, filepath.Join(folder, "hostname"), "abc.onion\n")
		if test.key {
			put(t, filepath.Join(folder, "hs_ed25519_secret_key"), "key")
		}
		if err := os.Chmod(folder, test.mode); err != nil {
			t.Fatal(err)
		}
		p.onion(t.Context())
		p.want(t, test.what, test.want)
	}
}
