package storage_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"temoin/storage"
	"temoin/storage/dir"
)

// An object goes into a store on a disk, is listed and read; crypto makes real ones.
func Example() {
	folder, err := os.MkdirTemp("", "temoin-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	store, err := dir.New(folder)
	if err == nil {
		err = keepAndRead(context.Background(), store)
	}
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// abcdef 65536
	// age-encryption.org/v1
}

func keepAndRead(ctx context.Context, store storage.Store) error {
	object, err := store.Create(ctx, storage.Small)
	if err != nil {
		return err
	}
	defer object.Discard() // after Commit it does nothing
	body, key := make([]byte, storage.Small), fmt.Sprintf("c/%064x", 0xabcdef)
	copy(body, "age-encryption.org/v1\n")
	if _, err := object.Write(body); err != nil {
		return err
	}
	if err := object.Commit(ctx, key); err != nil { // nil: it survives a loss of power
		return err
	}
	for info, err := range store.List(ctx, "c/", "") {
		if err != nil {
			return err
		}
		fmt.Println(info.Key[60:], info.Size)
	}
	r, err := store.Open(ctx, key, 0, 22) // a negative number of bytes reads to the end
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(os.Stdout, r)
	return err
}
