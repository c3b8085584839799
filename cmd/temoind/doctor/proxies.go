package doctor

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

const proxyRemedy = `take the configuration in docs/operate.md, section "A proxy in front"`

// proxies checks whether Caddy or nginx, configured where Debian does, log the
// requests to the box. Logs of other programs are left to the canary.
func (d *doctor) proxies(context.Context) {
	const check = "proxy-logs"
	caddy, errCaddy := d.files("etc/caddy")
	nginx, errNginx := d.files("etc/nginx")
	if errCaddy != nil || errNginx != nil {
		d.warn(check, "run temoind doctor as root", "the configuration of a proxy cannot be read")
	}
	found := append(caddyTrouble(caddy, d.pointsAtBox), d.nginxTrouble(nginx)...)
	for _, trouble := range found {
		d.warn(check, proxyRemedy, "%s", trouble)
	}
	if len(found) == 0 && errCaddy == nil && errNginx == nil {
		d.ok(check, "no Caddy or nginx in front of the box keeps a log of it")
	}
}

// caddyTrouble reads Caddyfiles. They include one another, so what one of them
// says counts for all.
func caddyTrouble(texts map[string]string, pointsAtBox func(string) bool) (found []string) {
	c := &caddyfiles{pointsAtBox: pointsAtBox}
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		c.path, c.open, c.discards = path, nil, false
		for line := range strings.Lines(texts[path]) {
			words := strings.Fields(line)
			if i := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); i >= 0 {
				words = words[:i]
			}
			if len(words) > 0 {
				c.line(words)
			}
		}
	}
	if !c.used {
		return nil
	}
	if !c.silent && len(c.found) == 0 {
		c.found = append(c.found, "Caddy writes addresses of requests that fail to its error log")
	}
	return c.found
}

// caddyfiles is what was read of them so far.
type caddyfiles struct {
	pointsAtBox func(upstream string) bool
	found       []string
	used        bool // some of them pass requests on to the box
	silent      bool // the global log is discarded

	path     string   // of the file that is read
	open     []string // the first words of the blocks around a line
	discards bool     // the log block around it
}

// line reads a line that has words.
func (c *caddyfiles) line(words []string) {
	last := words[len(words)-1]
	switch {
	case words[0] == "reverse_proxy" || words[0] == "to":
		c.used = c.used || slices.ContainsFunc(words[1:], c.pointsAtBox)
	case words[0] == "log" && last != "{":
		c.keeps()
	case words[0] == "log":
		c.discards = false
	case words[0] == "output" && last == "discard":
		c.discards = true
	}
	switch last {
	case "{":
		c.open = append(c.open, words[0])
	case "}":
		c.end()
	}
}

// end ends the innermost block.
func (c *caddyfiles) end() {
	n := len(c.open)
	if n == 0 {
		return
	}
	global := n == 2 && c.open[0] == "{"
	c.silent = c.silent || global && c.open[1] == "log" && c.discards
	if c.open[n-1] == "log" && !c.discards {
		c.keeps()
	}
	c.open = c.open[:n-1]
}

func (c *caddyfiles) keeps() {
	c.found = append(c.found, c.path+": log keeps the addresses of those who come")
}

// directive is one of nginx's, with its words and what stands in its braces.
type directive struct {
	words []string
	block []directive
}

// silence is what must hold where nginx passes requests on to the box. Without
// the last one it writes uploads to its disk, unsealed.
var silence = []struct{ name, want, trouble string }{
	{"access_log", "off", "access_log is not off"},
	{"error_log", "/dev/null", "error_log keeps the addresses of those who come"},
	{"proxy_request_buffering", "off", "proxy_request_buffering is not off: uploads are written to disk, unsealed"},
}

// nginxTrouble reads nginx's files. Those that nginx.conf includes inherit what
// its http block says.
func (d *doctor) nginxTrouble(texts map[string]string) (found []string) {
	confs := make(map[string][]directive)
	var outside map[string][]string
	upstreams := make(map[string]bool)
	for path, text := range texts {
		tokens := nginxTokens(text)
		confs[path] = nginxBlock(&tokens)
		d.upstreams(confs[path], upstreams)
		if filepath.Base(path) == "nginx.conf" {
			outside = within(confs[path], nil)
			for _, part := range confs[path] {
				if part.words[0] == "http" {
					outside = within(part.block, outside)
				}
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(confs)) {
		for _, trouble := range d.nginxLevel(confs[path], outside, upstreams) {
			found = append(found, path+": "+trouble)
		}
	}
	return slices.Compact(found)
}

// upstreams notes the names that stand for the box.
func (d *doctor) upstreams(conf []directive, names map[string]bool) {
	for _, part := range conf {
		if len(part.words) == 2 && part.words[0] == "upstream" {
			names[part.words[1]] = slices.ContainsFunc(part.block, func(s directive) bool {
				return len(s.words) > 1 && s.words[0] == "server" && d.pointsAtBox(s.words[1])
			})
		}
		d.upstreams(part.block, names)
	}
}

// within returns what counts inside a block: what it says itself, and else
// what counts around it.
func within(conf []directive, around map[string][]string) map[string][]string {
	own := make(map[string][]string)
	for _, part := range conf {
		if len(part.words) > 1 {
			own[part.words[0]] = append(own[part.words[0]], part.words[1])
		}
	}
	all := maps.Clone(around)
	if all == nil {
		all = own
	}
	for _, s := range silence {
		if own[s.name] != nil {
			all[s.name] = own[s.name]
		}
	}
	return all
}

func (d *doctor) nginxLevel(conf []directive, around map[string][]string, upstreams map[string]bool) (found []string) {
	counts := within(conf, around)
	for _, part := range conf {
		inner := d.nginxLevel(part.block, counts, upstreams)
		if part.words[0] == "stream" { // it passes bytes on, and has no requests to buffer
			inner = slices.DeleteFunc(inner, func(s string) bool { return s == silence[2].trouble })
		}
		found = append(found, inner...)
		if len(part.words) < 2 || part.words[0] != "proxy_pass" {
			continue
		}
		target := part.words[1]
		scheme, name, ok := strings.Cut(target, "://")
		if !ok { // in a stream block
			name = scheme
		}
		name, _, _ = strings.Cut(name, "/")
		if !d.pointsAtBox(target) && !upstreams[name] {
			continue
		}
		for _, s := range silence {
			values := counts[s.name]
			if len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return v != s.want }) {
				found = append(found, s.trouble)
			}
		}
	}
	return found
}

// nginxBlock takes directives until the block, or the file, is at its end.
func nginxBlock(tokens *[]string) (conf []directive) {
	var words []string
	for len(*tokens) > 0 {
		t := (*tokens)[0]
		*tokens = (*tokens)[1:]
		switch t {
		case "}":
			return conf
		case ";", "{":
			part := directive{words: words}
			if t == "{" {
				part.block = nginxBlock(tokens)
			}
			if len(words) > 0 {
				conf = append(conf, part)
			}
			words = nil
		default:
			words = append(words, t)
		}
	}
	return conf
}

// nginxTokens splits a text into words, braces and semicolons.
func nginxTokens(text string) (tokens []string) {
	for text != "" {
		switch c := text[0]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			text = text[1:]
		case c == '#':
			_, text, _ = strings.Cut(text, "\n")
		case strings.IndexByte("{};", c) >= 0:
			tokens, text = append(tokens, text[:1]), text[1:]
		case c == '"' || c == '\'':
			n := 1
			for n < len(text) && text[n] != c {
				if text[n] == '\\' {
					n++
				}
				n++
			}
			tokens, text = append(tokens, text[1:min(n, len(text))]), text[min(n+1, len(text)):]
		default:
			n := strings.IndexAny(text, " \t\r\n;{}")
			if n < 0 {
				n = len(text)
			}
			tokens, text = append(tokens, text[:n]), text[n:]
		}
	}
	return tokens
}
