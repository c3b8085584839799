package crypto_test

import (
	"fmt"
	"io"
	"log"

	"temoin/crypto"
)

// Sealing takes public keys alone. The store here is memory, an Output that keeps
// objects in a map, by their names.
func ExampleSealer() {
	key, err := crypto.GenerateIdentity(crypto.Hybrid) // a coordinator's
	if err != nil {
		log.Fatal(err)
	}
	store := newMemory()
	receipt, err := seal(store, key.Public, "They came at six.", "the bytes of a film")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(receipt), "digits to take home")
	for _, object := range store.objects {
		fmt.Println("an object of", len(object), "bytes")
	}
	// Output:
	// 20 digits to take home
	// an object of 65536 bytes
}

// seal returns the receipt when the store has the whole drop. Recipients are public
// keys, one a line.
func seal(store crypto.Output, recipients, words, film string) (crypto.Receipt, error) {
	to, err := crypto.ParseRecipients(recipients)
	if err != nil {
		return "", err
	}
	s, err := crypto.NewSealer(to, store, crypto.Options{Via: "cli", Total: -1})
	if err != nil {
		return "", err
	}
	defer s.Cut() // after an error it stores what came before, after Close it does nothing
	if err := s.Words(); err != nil {
		return "", err
	}
	if _, err := io.WriteString(s, words); err != nil {
		return "", err
	}
	if err := s.File(crypto.File{Type: "video/mp4"}); err != nil {
		return "", err
	}
	if _, err := io.WriteString(s, film); err != nil {
		return "", err
	}
	return s.Receipt(), s.Close()
}
