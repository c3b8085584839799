package e2e

import "strings"

// hostileHeads are lines and headers that should not be, or not so many of them.
func hostileHeads() []hostile {
	put := hidden("")
	line := func(line string) string {
		return line + "\r\nHost: " + boxName + "\r\nUser-Agent: " + markAgent + "\r\n\r\n"
	}
	return []hostile{
		{name: "HTTP/0.9", text: "GET /healthz?" + markQuery + "\r\n" + put, want: "400 close"},
		{name: "HTTP/1.0", text: line("GET /healthz HTTP/1.0") + put, want: "200 close"},
		{name: "HTTP/1.0 that stays", text: line("GET /healthz HTTP/1.0\r\nConnection: keep-alive") + put, want: "200 close", honest: true},
		{name: "HTTP/1.0 in chunks", text: line("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked") + end + put, want: "200 close"},
		{name: "HTTP/1.10", text: line("GET /healthz HTTP/1.10") + put, want: "400 close", honest: true},
		{name: "HTTP/3.7", text: line("GET /healthz HTTP/3.7") + put, want: "505 close"},
		{name: "the preface of HTTP/2", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + put, want: "404 close"},
		{name: "Upgrade to HTTP/2", text: get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + put, want: "200 404 close", honest: true},
		{name: "Upgrade to a WebSocket", text: get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n") + put, want: "200 201", honest: true},
		{name: "Expect and nothing", text: request("POST", "/en/send", "Expect: 100-continue\r\nContent-Type: "+multipartX+"\r\nContent-Length: 9\r\n"), want: "100"},
		{name: "Expect, and a request in the body", text: get("Expect: 100-continue\r\n"+length(hiddenLen)) + put, want: "200 close"},
		{name: "Expect of nonsense", text: get("Expect: "+markAgent+"\r\n"+length(hiddenLen)) + put, want: "417 close"},
		{name: "another host in the line", text: line("GET http://" + markReferer + ".example/healthz HTTP/1.1"), want: "200"},
		{name: "two hosts", text: get("Host: "+markReferer+".example\r\n") + put, want: "400 close"},
		{name: "no host", text: "GET /healthz HTTP/1.1\r\nUser-Agent: " + markAgent + "\r\n\r\n" + put, want: "400 close"},
		{name: "a host that is none", text: "GET /healthz HTTP/1.1\r\nHost: a b/" + markReferer + "\r\n\r\n" + put, want: "400 close"},
		{name: "//", text: line("GET //" + markQuery + "/en/ HTTP/1.1"), want: "404"},
		{name: "%2f", text: line("GET /v1%2fbox?" + markQuery + " HTTP/1.1"), want: "404"},
		{name: "%00", text: line("GET /en/%00" + markQuery + " HTTP/1.1"), want: "404"},
		{name: "%zz", text: line("GET /en/%zz"+markQuery+" HTTP/1.1") + put, want: "400 close"},
		{name: "..", text: line("GET /en/../../" + markQuery + " HTTP/1.1"), want: "404"},
		{name: "a fragment", text: line("GET /en/#" + markQuery + " HTTP/1.1"), want: "404"},
		{name: "letters that are not ASCII", text: line("GET /\xc3\xa9\xff" + markQuery + " HTTP/1.1"), want: "404"},
		{name: "NUL in the path", text: line("GET /\x00"+markQuery+" HTTP/1.1") + put, want: "400 close"},
		{name: "NUL in a header", text: get("X: \x00"+markAgent+"\r\n") + put, want: "400 close"},
		{name: "a control byte in a name", text: get("X\x01: "+markAgent+"\r\n") + put, want: "400 close"},
		{name: "a header without a colon", text: get(markAgent+"\r\n") + put, want: "400 close", honest: true},
		{name: "a line that begins with a space", text: "GET /healthz HTTP/1.1\r\n Host: " + boxName + "\r\n\r\n" + put, want: "400 close"},
		{name: "two spaces in the line", text: line("GET  /healthz HTTP/1.1") + put, want: "400 close", honest: true},
		{name: "a method that is none", text: line("GE(T /healthz HTTP/1.1") + put, want: "400 close"},
		{name: "CONNECT", text: line("CONNECT "+markReferer+".example:443 HTTP/1.1") + put, want: "404 201", honest: true},
		{name: "lines that end with LF", text: strings.ReplaceAll(get(""), "\r", ""), want: "200"},
		{name: "a header of 1 MiB", text: get("X: "+strings.Repeat(markAgent, 1<<20/len(markAgent))+"\r\n") + put, want: "431 close", honest: true},
		{name: "10,000 headers", text: get(strings.Repeat("X: "+markAgent+"\r\n", 10_000)) + put, want: "431 close", honest: true},
		{name: "a line of 1 MiB", text: line("GET /"+strings.Repeat(markQuery, 1<<20/len(markQuery))+" HTTP/1.1") + put, want: "431 close", honest: true},
		{name: "another language", text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + markContent + "\r\n\r\n" + put, want: "400 close"},
	}
}
