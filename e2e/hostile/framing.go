package hostile

import (
	"fmt"
	"strings"
)

// get is a request whose answer needs no body, and which may have one.
func get(more string) string { return request("GET", "/healthz", more) }

// length is a Content-Length.
func length(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }

const (
	chunked = "Transfer-Encoding: chunked\r\n"
	end     = "0\r\n\r\n" // of chunks
)

// hostileLengths leave open where a request ends: by its length, or by chunks.
func hostileLengths() []Hostile {
	put := hidden("")
	all := fmt.Sprintf("%x\r\n%s\r\n%s", hiddenLen, put, end) // the hidden request as a chunk
	form := multipartBody("words", "x")
	formHead := "Content-Type: " + multipartX + "\r\n"
	formChunk := fmt.Sprintf("%x\r\n%s\r\n%s", len(form), form, end)
	return []Hostile{
		{Name: "honest pipelining", text: get("") + get("") + put, want: "200 200 201", Honest: true},
		{Name: "honest after a body", text: get(length(3)) + "abc" + put, want: "200 201", Honest: true},
		{Name: "CL.TE", text: get(length(hiddenLen+5)+chunked) + end + put, want: "200 close", Caddy: true},
		{Name: "TE.CL", text: get(chunked+length(4)) + all, want: "200 close"},
		{Name: "CL.TE after a form", text: request("POST", "/en/send", formHead+length(hiddenLen+len(formChunk))+chunked) + formChunk + put, want: "200 close", Caddy: true},
		{Name: "CL.TE with a form", text: get(length(999)+chunked) + end + request("POST", "/en/send", formHead+length(len(form))) + form, want: "200 close"},
		{Name: "CL.TE with a method that is refused", text: request("DELETE", "/healthz", length(hiddenLen+5)+chunked) + end + put, want: "405 close", Caddy: true},
		{Name: "chunked and identity", text: get(chunked+"Transfer-Encoding: identity\r\n"+length(hiddenLen+5)) + end + put, want: "501 close"},
		{Name: "identity and chunked", text: get("Transfer-Encoding: identity\r\n"+chunked+length(4)) + all, want: "501 close"},
		{Name: "twice chunked", text: get(chunked+chunked+length(hiddenLen+5)) + end + put, want: "501 close"},
		{Name: "chunked, chunked", text: get("Transfer-Encoding: chunked, chunked\r\n") + all, want: "501 close"},
		{Name: "xchunked", text: get("Transfer-Encoding: xchunked\r\n"+length(hiddenLen+5)) + end + put, want: "501 close"},
		{Name: "in quotes", text: get("Transfer-Encoding: \"chunked\"\r\n"+length(hiddenLen+5)) + end + put, want: "501 close"},
		{Name: "with a parameter", text: get("Transfer-Encoding: chunked;q=1\r\n"+length(hiddenLen+5)) + end + put, want: "501 close"},
		{Name: "an encoding without a name", text: get("Transfer-Encoding:\r\n"+length(hiddenLen+5)) + end + put, want: "501 close"},
		{Name: "upper case", text: get("TRANSFER-ENCODING: CHUNKED\r\n"+length(hiddenLen+5)) + end + put, want: "200 close", Caddy: true},
		{Name: "after a tab", text: get("Transfer-Encoding:\tchunked\t\r\n"+length(hiddenLen+5)) + end + put, want: "200 close", Caddy: true},
		{Name: "after a vertical tab", text: get("Transfer-Encoding: \vchunked\r\n"+length(hiddenLen+5)) + end + put, want: "400 close"},
		{Name: "before a colon a space", text: get("Transfer-Encoding : chunked\r\n"+length(hiddenLen+5)) + end + put, want: "400 close"},
		{Name: "with an underscore", text: get("Transfer_Encoding: chunked\r\n"+length(hiddenLen+5)) + end + put, want: "200"},
		{Name: "in a folded line", text: get("Transfer-Encoding:\r\n chunked\r\n"+length(hiddenLen+5)) + end + put, want: "200 close", Caddy: true},
		{Name: "in a line that another goes on with", text: get("X: a\r\n Transfer-Encoding: chunked\r\n"+length(hiddenLen+5)) + end + put, want: "200"},
		{Name: "after a bare LF", text: get("X: a\nTransfer-Encoding: chunked\r\n"+length(hiddenLen+5)) + end + put, want: "200 close", Caddy: true},
		{Name: "after a bare CR", text: get("X: a\rTransfer-Encoding: chunked\r\n"+length(hiddenLen+5)) + end + put, want: "400 close"},
		{Name: "two lengths", text: get(length(0)+length(hiddenLen)) + put, want: "400 close"},
		{Name: "twice the same length", text: get(length(hiddenLen)+length(hiddenLen)) + put, want: "200"},
		{Name: "a list of lengths", text: get("Content-Length: 0, 0\r\n") + put, want: "400 close"},
		{Name: "a negative length", text: get("Content-Length: -1\r\n") + put, want: "400 close"},
		{Name: "a length with a sign", text: get("Content-Length: +0\r\n") + put, want: "400 close"},
		{Name: "a hexadecimal length", text: get("Content-Length: 0x0\r\n") + put, want: "400 close"},
		{Name: "a length with a space in it", text: get("Content-Length: 0 0\r\n") + put, want: "400 close"},
		{Name: "a length of nothing", text: get("Content-Length: \r\n") + put, want: "400 close", Caddy: true},
		{Name: "a length with zeros in front", text: get(fmt.Sprintf("Content-Length: 000%d\r\n", hiddenLen)) + put, want: "200"},
		{Name: "the greatest length", text: get("Content-Length: 9223372036854775807\r\n") + put, want: "200 close", silent: true},
		{Name: "a length beyond numbers", text: get("Content-Length: 18446744073709551616\r\n") + put, want: "400 close"},
		{Name: "in the body of a GET", text: get(length(hiddenLen)) + put, want: "200"},
		{Name: "in the body of a refused method", text: request("DELETE", "/en/", length(hiddenLen)) + put, want: "405"},
		{Name: "in the body of what is not there", text: request("POST", "/nothing", length(hiddenLen)) + put, want: "404"},
		{Name: "in the body of a bad PUT", text: request("PUT", "/v1/objects/x", length(hiddenLen)) + put, want: "400 close"},
		{Name: "in the body of a challenge", text: request("POST", "/v1/inbox/challenge", length(hiddenLen)) + put, want: "400 close"},
	}
}

// hostileChunks break the rules of chunks.
func hostileChunks() []Hostile {
	put := hidden("")
	body := func(chunks string) string {
		return request("POST", "/v1/inbox/challenge", chunked) + chunks
	}
	return []Hostile{
		{Name: "an extension", text: body("3;a=b\r\n{} \r\n"+end) + put, want: "400 close", Honest: true},
		{Name: "an extension of 1 MiB", text: body("3;"+strings.Repeat("a", 1<<20)+"\r\n{} \r\n"+end) + put, want: "400 close", Honest: true},
		{Name: "an extension with a bare LF", text: body("3;a\n{} \r\n"+end) + put, want: "400 close", Caddy: true, Nginx: true},
		{Name: "an extension with a bare CR", text: body("3;a\r{}\r\n{} \r\n"+end) + put, want: "400 close", Caddy: true},
		{Name: "a size beyond numbers", text: body("10000000000000003\r\n{} \r\n"+end) + put, want: "400 close"},
		{Name: "a negative size", text: body("-3\r\n{} \r\n"+end) + put, want: "400 close"},
		{Name: "a size with 0x", text: body("0x3\r\n{} \r\n"+end) + put, want: "400 close"},
		{Name: "no size", text: body("\r\n{} \r\n"+end) + put, want: "400 close"},
		{Name: "no CRLF after a chunk", text: body("3\r\n{} 0\r\n\r\n") + put, want: "400 close"},
		{Name: "a chunk that is too long", text: body("2\r\n{} \r\n"+end) + put, want: "400 close"},
		{Name: "a last chunk of many zeros", text: body("3\r\n{} \r\n0000000000\r\n\r\n") + put, want: "400 close", Honest: true},
		{Name: "no empty line at the end", text: body("3\r\n{} \r\n0\r\n") + put, want: "400 close"},
		{Name: "trailers with a length", text: body("3\r\n{} \r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: other.example\r\n\r\n") + put, want: "400 close", Honest: true},
		{Name: "a trailer of 1 MiB", text: body("3\r\n{} \r\n0\r\nX: "+strings.Repeat("a", 1<<20)+"\r\n\r\n") + put, want: "400 close", Honest: true},
	}
}
