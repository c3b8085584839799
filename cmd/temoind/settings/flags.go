package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// ErrUsage: the command line is wrong, and the person has been told.
var ErrUsage = errors.New("usage")

// flags binds the settings to the flags of a command.
func (s *Settings) flags(command string) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.Var(&s.Listen, "listen",
		"`ADDRESS`: host:port, or unix:PATH for Tor or a proxy on this machine; may be repeated (default 127.0.0.1:8080)")
	f.StringVar(&s.Recipients, "recipients", s.Recipients,
		"`FILE` with the coordinators' public keys, one a line")
	f.StringVar(&s.Store, "store", s.Store,
		"where sealed objects go: dir:`PATH` or s3://HOST/BUCKET[/PREFIX][?region=NAME]")
	f.StringVar(&s.Spool, "spool", s.Spool,
		"`DIR` for sealed objects on their way to a bucket; ciphertext only")
	f.StringVar(&s.Org, "org", s.Org,
		"`NAME` of those who receive, shown on the page")
	f.StringVar(&s.ExitURL, "exit-url", s.ExitURL,
		"where \"Leave this page\" leads: a `URL` that is harmless to be seen with")
	f.StringVar(&s.TLSCert, "tls-cert", s.TLSCert,
		"`FILE` with the TLS certificate chain; without it the box speaks http and belongs behind Tor or a proxy")
	f.StringVar(&s.TLSKey, "tls-key", s.TLSKey,
		"`FILE` with the key of the certificate")
	f.Var(&s.ACMEDomain, "acme-domain",
		"`NAME` for which the box orders a TLS certificate by itself, in place of --tls-cert; may be repeated")
	f.StringVar(&s.ACMECache, "acme-cache", s.ACMECache,
		"`DIR` for these certificates and their keys")
	f.StringVar(&s.ACMEDirectory, "acme-directory", s.ACMEDirectory,
		"`URL` of the CA's ACME directory")
	f.Var(&s.Origin, "origin",
		"`URL` by which coordinators reach the inbox of a box that stores on disk, such as https://box.example; may be repeated")
	f.StringVar(&s.OnionHostnameFile, "onion-hostname-file", s.OnionHostnameFile,
		"`FILE` with the name of the box in Tor, which the page then shows; Tor writes it beside the onion's keys")
	f.StringVar(&s.S3AccessKeyFile, "s3-access-key-file", s.S3AccessKeyFile,
		"`FILE` with the bucket's access key, in place of TEMOIN_S3_ACCESS_KEY")
	f.StringVar(&s.S3SecretKeyFile, "s3-secret-key-file", s.S3SecretKeyFile,
		"`FILE` with the bucket's secret key, in place of TEMOIN_S3_SECRET_KEY")
	f.BoolVar(&s.AcceptOverwrites, "accept-overwrites-by-provider", s.AcceptOverwrites,
		"start although the bucket's provider ignores or refuses If-None-Match: whoever knows a name can then replace what lies there")
	return f
}

// Read finds the settings of a command line: the defaults, over them the file that
// --config names, over them the flags. Print says that --print-config was given;
// more adds flags that are no settings. Errors are those of [Parse] and of the file.
func Read(
	command string, args []string, stderr io.Writer, more ...func(*flag.FlagSet),
) (s Settings, print bool, err error) {
	s = Default()
	var file string
	read := func() error {
		f := s.flags(command)
		f.StringVar(&file, "config", file, "`FILE` with settings in TOML; flags win over it")
		f.BoolVar(&print, "print-config", false, "print the settings that result, and end")
		for _, add := range more {
			add(f)
		}
		below := s
		for _, l := range s.lists() {
			*l = nil // flags replace a list, and do not add to it
		}
		err := Parse(f, args, stderr)
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
		s = Default()
		if err := s.load(file); err != nil {
			return s, print, err
		}
		if err := read(); err != nil {
			return s, print, err
		}
	}
	return s, print, s.expandHome()
}

// Parse reads the flags of a command that takes no arguments. A mistake is explained
// on stderr, and the error is [ErrUsage]; that of --help is [flag.ErrHelp].
func Parse(f *flag.FlagSet, args []string, stderr io.Writer) error {
	f.SetOutput(stderr)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if err == nil && f.NArg() > 0 {
		fmt.Fprintf(stderr, "temoind %s takes no argument %q\n", f.Name(), f.Arg(0))
		err = ErrUsage
	}
	if err != nil {
		return ErrUsage
	}
	return nil
}
