package crypto_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"temoin/crypto"
)

// A secret key finds the letters that are its own among all objects, and a letter
// the rest of its drop.
func ExampleOpenLetter() {
	key, err := crypto.GenerateIdentity(crypto.Hybrid)
	if err != nil {
		log.Fatal(err)
	}
	store := newMemory()
	if _, err := seal(store, key.Public, "They came at six.", "the bytes of a film"); err != nil {
		log.Fatal(err)
	}
	identity, err := crypto.ParseIdentity(key.Secret)
	if err != nil {
		log.Fatal(err)
	}
	for name, object := range store.objects {
		letter, err := crypto.OpenLetter(name, object, identity)
		if errors.Is(err, crypto.ErrNotRecipient) {
			continue // a chunk, a closing letter, or sealed to somebody else
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("words: %s\n", letter.Words)
		drop, err := letter.Read(context.Background(), store.fetch, func(n int, p []byte) error {
			fmt.Printf("file %d: %s\n", n, p) // in pieces, each file from front to back
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(drop.State, drop.Files[0].Type, drop.Files[0].Found, "bytes")
	}
	// Output:
	// words: They came at six.
	// file 1: the bytes of a film
	// complete video/mp4 19 bytes
}
