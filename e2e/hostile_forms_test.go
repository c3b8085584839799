package e2e

import (
	"strings"
)

const multipartX = "multipart/form-data; boundary=x"

// multipartBody is a form with boundary x, of names and values in turn.
func multipartBody(fields ...string) string {
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		b.WriteString("--x\r\nContent-Disposition: form-data; name=\"" + fields[i] + "\"\r\n\r\n" + fields[i+1] + "\r\n")
	}
	return b.String() + "--x--\r\n"
}

// hostileForms are forms that no browser makes. What is acknowledged is one
// letter; the request behind them is honest, unless the form is refused.
func hostileForms() []hostile {
	put := hidden("")
	form := func(contentType, body string) string {
		return request("POST", "/en/send", "Content-Type: "+contentType+"\r\n"+length(len(body)+strings.Count(body, put)*65536)) + body
	}
	part := func(header, body string) string { return "--x\r\n" + header + "\r\n\r\n" + body + "\r\n" }
	const disposition = "Content-Disposition: form-data; name="
	words := part(disposition+`"words"`, markWords)
	long := strings.Repeat("b", 71)
	nested := part(disposition+"\"files\"; filename=\"a\"\r\nContent-Type: multipart/mixed; boundary=y", "--y\r\n"+disposition+"\"words\"\r\n\r\nx\r\n--y--")
	return []hostile{
		{name: "no boundary", text: form("multipart/form-data", multipartBody("words", markWords)) + put, want: "415 close", honest: true},
		{name: "an empty boundary", text: form("multipart/form-data; boundary=\"\"", multipartBody("words", markWords)) + put, want: "400 close", honest: true},
		{name: "a boundary of 71 bytes", text: form("multipart/form-data; boundary="+long, strings.ReplaceAll(multipartBody("words", markWords), "--x", "--"+long)), want: "200"},
		{name: "two boundaries", text: form("multipart/form-data; boundary=x; boundary=y", multipartBody("words", markWords)) + put, want: "415 close", honest: true},
		{name: "no form", text: form("application/x-www-form-urlencoded", "words="+markWords) + put, want: "415 close", honest: true},
		{name: "10,000 parts", text: form(multipartX, strings.Repeat(part(disposition+`"where"`, markWords), 10_000)+"--x--\r\n") + put, want: "413 close", honest: true, more: 3},
		{name: "a form in a form", text: form(multipartX, nested+"--x--\r\n") + put, want: "200 201", honest: true},
		{name: "a preamble", text: form(multipartX, strings.Repeat("p\r\n", 1000)+words+"--x--\r\n") + put, want: "200 201", honest: true},
		{name: "a preamble of 1 MiB", text: form(multipartX, strings.Repeat("p", 1<<20)+"\r\n"+words+"--x--\r\n") + put, want: "200 201", honest: true, more: 2},
		{name: "a preamble of 1 MiB, in lines", text: form(multipartX, strings.Repeat("p\r\n", 1<<18)+words+"--x--\r\n") + put, want: "200 201", honest: true, more: 2},
		{name: "a request in the preamble", text: form(multipartX, put+"\r\n"+words+"--x--\r\n"), want: "200", more: 2},
		{name: "a request behind the end", text: form(multipartX, words+"--x--\r\n"+put), want: "200", more: 2},
		{name: "a request as a file", text: form(multipartX, part(disposition+`"files"; filename="a"`, put)+"--x--\r\n"), want: "200", more: 2},
		{name: "a header of a part of 1 MiB", text: form(multipartX, part("X: "+strings.Repeat("a", 1<<20), markWords)+words+"--x--\r\n") + put, want: "400 close", honest: true},
		{name: "10,000 headers of a part", text: form(multipartX, part(strings.Repeat("X: a\r\n", 10_000)+disposition+`"words"`, markWords)+"--x--\r\n") + put, want: "400 close", honest: true},
		{name: "a part without a name", text: form(multipartX, part("Content-Disposition: form-data", markWords)+"--x--\r\n") + put, want: "200 201", honest: true},
		{name: "a part without headers", text: form(multipartX, "--x\r\n\r\n"+markWords+"\r\n--x--\r\n") + put, want: "200 201", honest: true},
		{name: "a file name with CRLF", text: form(multipartX, part(disposition+"\"files\"; filename=\""+markName+"\r\nX: y\"", markContent)+"--x--\r\n") + put, want: "200 201", honest: true},
		{name: "a file name with NUL", text: form(multipartX, part(disposition+"\"files\"; filename=\""+markName+"\x00/../a\"", markContent)+"--x--\r\n") + put, want: "200 201", honest: true},
		{name: "no end", text: form(multipartX, words) + put, want: "400 close", honest: true, more: 1},
		{name: "nothing", text: form(multipartX, "") + put, want: "400 close", honest: true},
	}
}
