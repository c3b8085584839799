package crypto_test

import (
	"fmt"
	"log"

	"temoin/crypto"
)

// A receipt comes back as people type it. From it follow the names of replies and
// the key that opens them.
func ExampleParseReceipt() {
	receipt, err := crypto.ParseReceipt("01234 56789-01234 56789")
	if err != nil {
		log.Fatal(err)
	}
	secret := receipt.Secret()
	sealed, err := secret.SealReply(1, "Thank you. Are you safe?")
	if err != nil {
		log.Fatal(err)
	}
	reply, err := secret.OpenReply(1, sealed)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt)
	fmt.Println(secret.ReplyKey(1), len(sealed))
	fmt.Println(reply)
	// Output:
	// 0123 4567 8901 2345 6789
	// r/d02e4cef8330228f7f9d8d99756fef3b-1 4096
	// Thank you. Are you safe?
}
