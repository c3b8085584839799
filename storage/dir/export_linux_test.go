package dir

// BytesOf computes free and total bytes from an answer of statfs(2).
var BytesOf = bytesOf
