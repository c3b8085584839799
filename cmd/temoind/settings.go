package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"temoin/crypto"
	"temoin/storage/dir"
)

// settings are all that an operator can set. Each has a key in the
// configuration file and a flag of the same name, with dashes in place of
// underscores. docs/settings.md repeats what stands here; a test compares them.
type settings struct {
	// Where connections come in: host:port, or unix:PATH for Tor or a proxy on
	// this machine, or a list of several. Through a unix socket the box never meets
	// an address of anybody, and speaks http; on a port it speaks TLS if it has a
	// certificate. A port that the world can reach without TLS lets others read.
	// Where systemd opens the sockets, this only tells the doctor which. Default:
	// 127.0.0.1:8080.
	Listen list `toml:"listen"`
	// The file with the coordinators' public keys, one a line. Required. A wrong
	// key in it can open everything that arrives from then on: check the
	// fingerprint with the coordinators. SIGHUP reads it again.
	Recipients string `toml:"recipients"`
	// Where sealed objects go: dir:PATH, or s3://HOST/BUCKET[/PREFIX][?region=NAME].
	// Required. In dir:~/PATH the ~ is the home folder of the box's user. A path that
	// does not survive a restart (tmpfs) loses evidence. A bucket's region is us-east-1
	// unless the address names another; a wrong one makes the service refuse all.
	Store string `toml:"store"`
	// For a bucket: a folder for sealed objects on their way to it. It needs 2 MiB
	// for each upload under way, and never holds anything that is not sealed.
	Spool string `toml:"spool"`
	// The name of those who receive, as witnesses know them. It stands on the page.
	Org string `toml:"org"`
	// Where "Leave this page" leads: a web address that is harmless to be seen
	// with. Default: an encyclopedia.
	ExitURL string `toml:"exit_url"`
	// The file with the TLS certificate and its chain. Without one the box speaks
	// http, and belongs behind Tor or a proxy. SIGHUP reads it again.
	TLSCert string `toml:"tls_cert"`
	// The file with the key of that certificate.
	TLSKey string `toml:"tls_key"`
	// The names for which the box orders TLS certificates by itself, by ACME, in
	// place of tls_cert. Port 443 of each must lead to the box; port 80 is not
	// needed. Setting it accepts the CA's terms. CAs publish all names.
	ACMEDomain list `toml:"acme_domain"`
	// The folder for these certificates and their keys. It must stay: CAs allow few
	// orders a week. Default: acme in the folder that systemd gives the box
	// ($STATE_DIRECTORY); without systemd it must be set.
	ACMECache string `toml:"acme_cache"`
	// The ACME directory of the CA. Default: that of Let's Encrypt.
	ACMEDirectory string `toml:"acme_directory"`
	// The addresses that coordinators type to fetch from a box that stores on
	// disk, such as https://box.example or http://….onion. Names in the TLS
	// certificate need not be repeated. A missing one makes "temoin pull" fail.
	Origin list `toml:"origin"`
	// The file with the name of the box in Tor, such as a copy of
	// /var/lib/tor/temoin/hostname. The page then shows that address to those who
	// came another way, also as a QR code, and answers carry it as Onion-Location;
	// it need not be repeated in origin. A wrong name leads witnesses astray: one
	// that cannot be, or a file that the box may not read, stops the start. SIGHUP
	// does not read it again.
	OnionHostnameFile string `toml:"onion_hostname_file"`
	// The file with the access key of the bucket. Without it the environment must
	// hold TEMOIN_S3_ACCESS_KEY.
	S3AccessKeyFile string `toml:"s3_access_key_file"`
	// The file with the secret key of the bucket. Without it the environment must
	// hold TEMOIN_S3_SECRET_KEY. The key should only be able to write.
	S3SecretKeyFile string `toml:"s3_secret_key_file"`
	// Start although the bucket's provider ignores If-None-Match, or refuses it: the
	// box then stores without. Whoever knows a name can then replace what lies there.
	AcceptOverwrites bool `toml:"accept_overwrites_by_provider"`
}

// list is a flag that may be repeated. In a file a single one needs no brackets.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// UnmarshalTOML implements [toml.Unmarshaler].
func (l *list) UnmarshalTOML(value any) error {
	all, ok := value.([]any)
	if !ok {
		all = []any{value}
	}
	*l = list{}
	for _, one := range all {
		s, ok := one.(string)
		if !ok {
			return fmt.Errorf("%v is no text in quotes", one)
		}
		*l = append(*l, s)
	}
	return nil
}

func defaults() settings {
	return settings{Listen: list{"127.0.0.1:8080"}, ACMEDirectory: "https://acme-v02.api.letsencrypt.org/directory"}
}

// lists are the settings that have several values.
func (s *settings) lists() []*list { return []*list{&s.Listen, &s.ACMEDomain, &s.Origin} }

// flags binds the settings to the flags of a command.
func (s *settings) flags(command string) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.Var(&s.Listen, "listen", "`ADDRESS`: host:port, or unix:PATH for Tor or a proxy on this machine; may be repeated (default 127.0.0.1:8080)")
	f.StringVar(&s.Recipients, "recipients", s.Recipients, "`FILE` with the coordinators' public keys, one a line")
	f.StringVar(&s.Store, "store", s.Store, "where sealed objects go: dir:`PATH` or s3://HOST/BUCKET[/PREFIX][?region=NAME]")
	f.StringVar(&s.Spool, "spool", s.Spool, "`DIR` for sealed objects on their way to a bucket; ciphertext only")
	f.StringVar(&s.Org, "org", s.Org, "`NAME` of those who receive, shown on the page")
	f.StringVar(&s.ExitURL, "exit-url", s.ExitURL, "where \"Leave this page\" leads: a `URL` that is harmless to be seen with")
	f.StringVar(&s.TLSCert, "tls-cert", s.TLSCert, "`FILE` with the TLS certificate chain; without it the box speaks http and belongs behind Tor or a proxy")
	f.StringVar(&s.TLSKey, "tls-key", s.TLSKey, "`FILE` with the key of the certificate")
	f.Var(&s.ACMEDomain, "acme-domain", "`NAME` for which the box orders a TLS certificate by itself, in place of --tls-cert; may be repeated")
	f.StringVar(&s.ACMECache, "acme-cache", s.ACMECache, "`DIR` for these certificates and their keys")
	f.StringVar(&s.ACMEDirectory, "acme-directory", s.ACMEDirectory, "`URL` of the CA's ACME directory")
	f.Var(&s.Origin, "origin", "`URL` by which coordinators reach the inbox of a box that stores on disk, such as https://box.example; may be repeated")
	f.StringVar(&s.OnionHostnameFile, "onion-hostname-file", s.OnionHostnameFile, "`FILE` with the name of the box in Tor, which the page then shows; Tor writes it beside the onion's keys")
	f.StringVar(&s.S3AccessKeyFile, "s3-access-key-file", s.S3AccessKeyFile, "`FILE` with the bucket's access key, in place of TEMOIN_S3_ACCESS_KEY")
	f.StringVar(&s.S3SecretKeyFile, "s3-secret-key-file", s.S3SecretKeyFile, "`FILE` with the bucket's secret key, in place of TEMOIN_S3_SECRET_KEY")
	f.BoolVar(&s.AcceptOverwrites, "accept-overwrites-by-provider", s.AcceptOverwrites, "start although the bucket's provider ignores or refuses If-None-Match: whoever knows a name can then replace what lies there")
	return f
}

// readSettings finds the settings of a command line: the defaults, over them the
// file that --config names, over them the flags. Print says that --print-config
// was given; more adds flags that are no settings.
func readSettings(command string, args []string, stderr io.Writer, more ...func(*flag.FlagSet)) (s settings, print bool, err error) {
	s = defaults()
	var file string
	read := func() error {
		f := s.flags(command)
		f.StringVar(&file, "config", file, "`FILE` with settings in TOML; flags go before it")
		f.BoolVar(&print, "print-config", false, "print the settings that result, and end")
		for _, add := range more {
			add(f)
		}
		below := s
		for _, l := range s.lists() {
			*l = nil // flags replace a list, and do not add to it
		}
		err := parse(f, args, stderr)
		for i, l := range s.lists() {
			if *l == nil {
				*l = *below.lists()[i]
			}
		}
		return err
	}
	if err := read(); err != nil {
		return s, print, err
	}
	if file != "" {
		s = defaults()
		if err := s.load(file); err != nil {
			return s, print, err
		}
		if err := read(); err != nil {
			return s, print, err
		}
	}
	return s, print, s.expandStore()
}

// expandStore puts the home folder in place of the ~ in dir:~/store.
func (s *settings) expandStore() error {
	path, ok := strings.CutPrefix(s.Store, "dir:")
	if !ok {
		return nil
	}
	path, err := dir.Expand(path)
	s.Store = "dir:" + path
	return err
}

// load reads a file. What it does not know it does not guess: a setting that is
// spelled wrongly is an error.
func (s *settings) load(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	if text, err = crypto.Text(text); err != nil {
		return fmt.Errorf("the configuration: %s: %w", file, err)
	}
	md, err := toml.Decode(string(text), s)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("the configuration: %s: line %d, %q: %s", file, syntax.Position.Line, syntax.LastKey, syntax.Message)
	}
	if err != nil {
		return fmt.Errorf("the configuration: %s: %w", file, err)
	}
	if unknown := md.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("the configuration: %s: there is no setting %q", file, unknown[0])
	}
	for _, path := range []*string{&s.Recipients, &s.Store, &s.Spool, &s.TLSCert, &s.TLSKey, &s.ACMECache, &s.OnionHostnameFile, &s.S3AccessKeyFile, &s.S3SecretKeyFile} {
		*path = strings.ReplaceAll(*path, "$CREDENTIALS_DIRECTORY", os.Getenv("CREDENTIALS_DIRECTORY"))
	}
	return nil
}

// print writes the settings as a file that load reads. There are no secrets
// among them: those lie in files of their own, or in the environment.
func (s *settings) print(w io.Writer) error {
	for _, l := range s.lists() {
		if *l == nil {
			*l = list{} // nil would not be printed
		}
	}
	return toml.NewEncoder(w).Encode(s)
}

// credentials returns the bucket's keys, from their files or the environment.
func (s *settings) credentials() (access, secret string, err error) {
	access, err = credential(s.S3AccessKeyFile, "TEMOIN_S3_ACCESS_KEY")
	if err != nil {
		return "", "", err
	}
	secret, err = credential(s.S3SecretKeyFile, "TEMOIN_S3_SECRET_KEY")
	return access, secret, err
}

func credential(file, env string) (string, error) {
	value := os.Getenv(env)
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("a key of the bucket: %w", err)
		}
		if b, err = crypto.Text(b); err != nil {
			return "", fmt.Errorf("a key of the bucket: %s: %w", file, err)
		}
		value = strings.TrimSpace(string(b))
	}
	if value == "" {
		return "", fmt.Errorf("a bucket needs %s in the environment, or a file: see docs/settings.md", env)
	}
	return value, nil
}
