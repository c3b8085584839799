package dir

// BytesOf is what statfs's answer means.
var BytesOf = bytesOf
