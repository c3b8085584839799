package box

import (
	"regexp"
	"strings"
)

var receiptGroups = regexp.MustCompile(`\b\d{4}([ \x{00a0}\x{202f}-])\d{4}([ \x{00a0}\x{202f}-])\d{4}([ \x{00a0}\x{202f}-])\d{4}([ \x{00a0}\x{202f}-])\d{4}\b`)

// ReceiptIn finds 20 digits in five groups of four and returns the digits.
func ReceiptIn(text string) string { return Digits(receiptGroups.FindString(text)) }

// BareReceipt accepts a text that is a receipt and nothing else.
func BareReceipt(text string) string {
	if !regexp.MustCompile(`^[\d -]+\n?$`).MatchString(text) || len(Digits(text)) != 20 {
		return ""
	}
	return Digits(text)
}

// Digits returns the digits of s.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
