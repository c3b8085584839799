package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"temoin/server"
)

// Onion reads the name that Tor gave to the box. It is empty if none is set. The
// error tells nothing of what the file holds: it could be the onion's secret key.
func (s *Settings) Onion() (string, error) {
	if s.OnionHostnameFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(s.OnionHostnameFile)
	if err != nil {
		return "", fmt.Errorf("the onion's hostname: %w", err)
	}
	name := strings.TrimSpace(string(text))
	if err := server.CheckOnion(name); err != nil {
		return "", fmt.Errorf("the onion's hostname: %s: %w", s.OnionHostnameFile, err)
	}
	return name, nil
}

// ACMEFolder returns the folder for certificates that the box orders, or "" if none
// is set and systemd gives none.
func (s *Settings) ACMEFolder() string {
	first, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if s.ACMECache == "" && first != "" {
		return filepath.Join(first, "acme")
	}
	return s.ACMECache
}

// TLS reports whether the box speaks TLS itself.
func (s *Settings) TLS() bool { return s.TLSCert != "" || len(s.ACMEDomain) > 0 }
