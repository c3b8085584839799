// Package settings reads what an operator set for a box, from flags and a file of
// TOML, and says what follows from it: the folder or bucket for sealed objects, the
// name in Tor, the folder for certificates.
//
// It changes nothing, and reads only files and the environment. A setting that weakens
// privacy does not exist.
package settings

import (
	"fmt"
	"strings"
)

// Settings are all that an operator can set. Each has a key in the
// configuration file and a flag of the same name, with dashes in place of
// underscores. docs/settings.md repeats what stands here; a test compares them.
type Settings struct {
	// Where connections come in: host:port, or unix:PATH for Tor or a proxy on
	// this machine, or a list of several. Through a unix socket the box never meets
	// an address of anybody, and speaks http; on a port it speaks TLS if it has a
	// certificate. A port that the world can reach without TLS lets others read.
	// Where systemd opens the sockets, this only tells the doctor and a reload which.
	// Default: 127.0.0.1:8080.
	Listen List `toml:"listen"`
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
	ACMEDomain List `toml:"acme_domain"`
	// The folder for these certificates and their keys. It must stay: CAs allow few
	// orders a week. Default: acme in the folder that systemd gives the box
	// ($STATE_DIRECTORY); without systemd it must be set.
	ACMECache string `toml:"acme_cache"`
	// The ACME directory of the CA. Default: that of Let's Encrypt.
	ACMEDirectory string `toml:"acme_directory"`
	// The addresses that coordinators type to fetch from a box that stores on
	// disk, such as https://box.example or http://….onion, or http://127.0.0.1:9000
	// for a tunnel. Names in the TLS certificate, on port 443, need not be repeated. A
	// missing one makes "temoin pull" fail; without any, a loopback address that the
	// box listens on will do.
	Origin List `toml:"origin"`
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

// List is a flag that may be repeated. In a file a single one needs no brackets.
type List []string

// String implements [flag.Value].
func (l *List) String() string { return strings.Join(*l, ",") }

// Set implements [flag.Value].
func (l *List) Set(s string) error { *l = append(*l, s); return nil }

// UnmarshalTOML implements [toml.Unmarshaler].
func (l *List) UnmarshalTOML(value any) error {
	all, ok := value.([]any)
	if !ok {
		all = []any{value}
	}
	*l = List{}
	for _, one := range all {
		s, ok := one.(string)
		if !ok {
			return fmt.Errorf("%v is no text in quotes", one)
		}
		*l = append(*l, s)
	}
	return nil
}

// Default returns the settings of a box for which none are given.
func Default() Settings {
	return Settings{Listen: List{"127.0.0.1:8080"}, ACMEDirectory: "https://acme-v02.api.letsencrypt.org/directory"}
}

// lists are the settings that have several values.
func (s *Settings) lists() []*List { return []*List{&s.Listen, &s.ACMEDomain, &s.Origin} }
