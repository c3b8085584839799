package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
)

// demo runs a box with a coordinator's key that lies open beside it.
func demo(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:8080", "`ADDRESS`: host:port")
	folder := f.String("dir", "temoin-demo", "`DIR` for the key, the store, and what you open")
	if err := settings.Parse(f, args, stderr); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	recipient, err := demoKey(*folder)
	if err != nil {
		return err
	}
	rs, err := crypto.ParseRecipients(recipient)
	if err != nil {
		return err
	}
	store, err := dir.New(filepath.Join(*folder, "store"))
	if err != nil {
		return err
	}
	cfg := server.Config{Recipients: rs, Sink: store, Inbox: store, Org: "your own demo", Log: server.NewLog(stderr)}
	l, err := server.Listen(ctx, *listen)
	if err != nil {
		return err
	}
	return serveOn(ctx, []net.Listener{l}, cfg, func(*server.Server) {
		fmt.Fprint(stdout, demoText(addresses([]net.Listener{l}), *folder))
	})
}

// demoKey returns the recipient of the demo's key, which it makes if need be.
func demoKey(folder string) (string, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "key.txt")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		id, err := crypto.GenerateIdentity(crypto.Hybrid)
		if err != nil {
			return "", err
		}
		text := "# a throw-away key of temoind demo: never use it for real\n# public key: " +
			id.Public + "\n" + id.Secret + "\n"
		return id.Public, os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if r, ok := strings.CutPrefix(strings.TrimSpace(line), "# public key: "); ok {
			return r, nil
		}
	}
	return "", fmt.Errorf("%s is not the key of a demo", path)
}

func demoText(addr, folder string) string {
	at := func(name string) string { return filepath.Join(folder, name) }
	with := "--vault " + at("vault") + " -i " + at("key.txt")
	return fmt.Sprintf(`A Témoin box to try out. It is not for witnesses: its key lies open on this disk.

Open this page in a browser and send something:

  http://%s/en/

or from a terminal:

  curl -H 'Accept: text/plain' -F words='What I saw' -F files=@photo.jpg http://%s/en/send

Then, in another terminal, fetch, list and open what came:

  go run ./cmd/temoin pull --from dir:%s %s
  go run ./cmd/temoin ls %s
  go run ./cmd/temoin open --all %s -o %s

Ctrl-C ends the box. Everything lies in %s; remove it when you are done.
`, addr, addr, at("store"), with, with, with, at("opened"), folder)
}
