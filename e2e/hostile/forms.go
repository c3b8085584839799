package hostile

import (
	"strings"

	"temoin/e2e/mark"
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
func hostileForms() []Hostile {
	put := hidden("")
	form := func(contentType, body string) string {
		return request("POST", "/en/send", "Content-Type: "+contentType+"\r\n"+length(len(body)+strings.Count(body, put)*65536)) + body
	}
	part := func(header, body string) string { return "--x\r\n" + header + "\r\n\r\n" + body + "\r\n" }
	const disposition = "Content-Disposition: form-data; name="
	words := part(disposition+`"words"`, mark.Words)
	long := strings.Repeat("b", 71)
	nested := part(disposition+"\"files\"; filename=\"a\"\r\nContent-Type: multipart/mixed; boundary=y", "--y\r\n"+disposition+"\"words\"\r\n\r\nx\r\n--y--")
	return []Hostile{
		{Name: "no boundary", text: form("multipart/form-data", multipartBody("words", mark.Words)) + put, want: "415 close", Honest: true},
		{Name: "an empty boundary", text: form("multipart/form-data; boundary=\"\"", multipartBody("words", mark.Words)) + put, want: "400 close", Honest: true},
		{Name: "a boundary of 71 bytes", text: form("multipart/form-data; boundary="+long, strings.ReplaceAll(multipartBody("words", mark.Words), "--x", "--"+long)), want: "200"},
		{Name: "two boundaries", text: form("multipart/form-data; boundary=x; boundary=y", multipartBody("words", mark.Words)) + put, want: "415 close", Honest: true},
		{Name: "no form", text: form("application/x-www-form-urlencoded", "words="+mark.Words) + put, want: "415 close", Honest: true},
		{Name: "10,000 parts", text: form(multipartX, strings.Repeat(part(disposition+`"where"`, mark.Words), 10_000)+"--x--\r\n") + put, want: "413 close", Honest: true, more: 3},
		{Name: "a form in a form", text: form(multipartX, nested+"--x--\r\n") + put, want: "200 201", Honest: true},
		{Name: "a preamble", text: form(multipartX, strings.Repeat("p\r\n", 1000)+words+"--x--\r\n") + put, want: "200 201", Honest: true},
		{Name: "a preamble of 1 MiB", text: form(multipartX, strings.Repeat("p", 1<<20)+"\r\n"+words+"--x--\r\n") + put, want: "200 201", Honest: true, more: 2},
		{Name: "a preamble of 1 MiB, in lines", text: form(multipartX, strings.Repeat("p\r\n", 1<<18)+words+"--x--\r\n") + put, want: "200 201", Honest: true, more: 2},
		{Name: "a request in the preamble", text: form(multipartX, put+"\r\n"+words+"--x--\r\n"), want: "200", more: 2},
		{Name: "a request behind the end", text: form(multipartX, words+"--x--\r\n"+put), want: "200", more: 2},
		{Name: "a request as a file", text: form(multipartX, part(disposition+`"files"; filename="a"`, put)+"--x--\r\n"), want: "200", more: 2},
		{Name: "a header of a part of 1 MiB", text: form(multipartX, part("X: "+strings.Repeat("a", 1<<20), mark.Words)+words+"--x--\r\n") + put, want: "400 close", Honest: true},
		{Name: "10,000 headers of a part", text: form(multipartX, part(strings.Repeat("X: a\r\n", 10_000)+disposition+`"words"`, mark.Words)+"--x--\r\n") + put, want: "400 close", Honest: true},
		{Name: "a part without a name", text: form(multipartX, part("Content-Disposition: form-data", mark.Words)+"--x--\r\n") + put, want: "200 201", Honest: true},
		{Name: "a part without headers", text: form(multipartX, "--x\r\n\r\n"+mark.Words+"\r\n--x--\r\n") + put, want: "200 201", Honest: true},
		{Name: "a file name with CRLF", text: form(multipartX, part(disposition+"\"files\"; filename=\""+mark.Name+"\r\nX: y\"", mark.Content)+"--x--\r\n") + put, want: "200 201", Honest: true},
		{Name: "a file name with NUL", text: form(multipartX, part(disposition+"\"files\"; filename=\""+mark.Name+"\x00/../a\"", mark.Content)+"--x--\r\n") + put, want: "200 201", Honest: true},
		{Name: "no end", text: form(multipartX, words) + put, want: "400 close", Honest: true, more: 1},
		{Name: "nothing", text: form(multipartX, "") + put, want: "400 close", Honest: true},
	}
}
