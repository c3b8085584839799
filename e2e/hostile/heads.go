package hostile

import (
	"strings"

	"temoin/e2e/box"
	"temoin/e2e/mark"
)

// hostileHeads are lines and headers that should not be, or not so many of them.
func hostileHeads() []Hostile {
	put := hidden("")
	line := func(line string) string {
		return line + "\r\nHost: " + box.Host + "\r\nUser-Agent: " + mark.Agent + "\r\n\r\n"
	}
	return []Hostile{
		{Name: "HTTP/0.9", text: "GET /healthz?" + mark.Query + "\r\n" + put, want: "400 close"},
		{Name: "HTTP/1.0", text: line("GET /healthz HTTP/1.0") + put, want: "200 close"},
		{Name: "HTTP/1.0 that stays", text: line("GET /healthz HTTP/1.0\r\nConnection: keep-alive") + put, want: "200 close", Honest: true},
		{Name: "HTTP/1.0 in chunks", text: line("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked") + end + put, want: "200 close"},
		{Name: "HTTP/1.10", text: line("GET /healthz HTTP/1.10") + put, want: "400 close", Honest: true},
		{Name: "HTTP/3.7", text: line("GET /healthz HTTP/3.7") + put, want: "505 close"},
		{Name: "the preface of HTTP/2", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + put, want: "404 close"},
		{Name: "Upgrade to HTTP/2", text: get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + put, want: "200 404 close", Honest: true},
		{Name: "Upgrade to a WebSocket", text: get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n") + put, want: "200 201", Honest: true},
		{Name: "Expect and nothing", text: request("POST", "/en/send", "Expect: 100-continue\r\nContent-Type: "+multipartX+"\r\nContent-Length: 9\r\n"), want: "100"},
		{Name: "Expect, and a request in the body", text: get("Expect: 100-continue\r\n"+length(hiddenLen)) + put, want: "200 close"},
		{Name: "Expect of nonsense", text: get("Expect: "+mark.Agent+"\r\n"+length(hiddenLen)) + put, want: "417 close"},
		{Name: "another host in the line", text: line("GET http://" + mark.Referer + ".example/healthz HTTP/1.1"), want: "200"},
		{Name: "two hosts", text: get("Host: "+mark.Referer+".example\r\n") + put, want: "400 close"},
		{Name: "no host", text: "GET /healthz HTTP/1.1\r\nUser-Agent: " + mark.Agent + "\r\n\r\n" + put, want: "400 close"},
		{Name: "a host that is none", text: "GET /healthz HTTP/1.1\r\nHost: a b/" + mark.Referer + "\r\n\r\n" + put, want: "400 close"},
		{Name: "//", text: line("GET //" + mark.Query + "/en/ HTTP/1.1"), want: "404"},
		{Name: "%2f", text: line("GET /v1%2fbox?" + mark.Query + " HTTP/1.1"), want: "404"},
		{Name: "%00", text: line("GET /en/%00" + mark.Query + " HTTP/1.1"), want: "404"},
		{Name: "%zz", text: line("GET /en/%zz"+mark.Query+" HTTP/1.1") + put, want: "400 close"},
		{Name: "..", text: line("GET /en/../../" + mark.Query + " HTTP/1.1"), want: "404"},
		{Name: "a fragment", text: line("GET /en/#" + mark.Query + " HTTP/1.1"), want: "404"},
		{Name: "letters that are not ASCII", text: line("GET /\xc3\xa9\xff" + mark.Query + " HTTP/1.1"), want: "404"},
		{Name: "NUL in the path", text: line("GET /\x00"+mark.Query+" HTTP/1.1") + put, want: "400 close"},
		{Name: "NUL in a header", text: get("X: \x00"+mark.Agent+"\r\n") + put, want: "400 close"},
		{Name: "a control byte in a name", text: get("X\x01: "+mark.Agent+"\r\n") + put, want: "400 close"},
		{Name: "a header without a colon", text: get(mark.Agent+"\r\n") + put, want: "400 close", Honest: true},
		{Name: "a line that begins with a space", text: "GET /healthz HTTP/1.1\r\n Host: " + box.Host + "\r\n\r\n" + put, want: "400 close"},
		{Name: "two spaces in the line", text: line("GET  /healthz HTTP/1.1") + put, want: "400 close", Honest: true},
		{Name: "a method that is none", text: line("GE(T /healthz HTTP/1.1") + put, want: "400 close"},
		{Name: "CONNECT", text: line("CONNECT "+mark.Referer+".example:443 HTTP/1.1") + put, want: "404 201", Honest: true},
		{Name: "lines that end with LF", text: strings.ReplaceAll(get(""), "\r", ""), want: "200"},
		{Name: "a header of 1 MiB", text: get("X: "+strings.Repeat(mark.Agent, 1<<20/len(mark.Agent))+"\r\n") + put, want: "431 close", Honest: true},
		{Name: "10,000 headers", text: get(strings.Repeat("X: "+mark.Agent+"\r\n", 10_000)) + put, want: "431 close", Honest: true},
		{Name: "a line of 1 MiB", text: line("GET /"+strings.Repeat(mark.Query, 1<<20/len(mark.Query))+" HTTP/1.1") + put, want: "431 close", Honest: true},
		{Name: "another language", text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + mark.Content + "\r\n\r\n" + put, want: "400 close"},
	}
}
