package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"temoin/crypto"
	"temoin/storage"
)

// description is what GET /v1/box answers; docs/protocol.md explains the fields.
type description struct {
	V           int       `json:"v"`
	Recipients  []string  `json:"recipients"`
	Kind        string    `json:"kind"`
	Fingerprint string    `json:"fingerprint"`
	Sizes       []int     `json:"sizes"`
	Limits      boxLimits `json:"limits"`
	Languages   []string  `json:"languages"`
	Work        int       `json:"work"`
	Room        string    `json:"room"`
	Org         string    `json:"org,omitempty"`
}

type boxLimits struct {
	Files    int   `json:"files"`     // of a drop
	Drop     int64 `json:"drop"`      // bytes of a form
	InFlight int   `json:"in_flight"` // objects that a client sends at the same time
	Ahead    int   `json:"ahead"`     // chunks beyond the lowest that is not acknowledged
}

var theLimits = boxLimits{Files: crypto.MaxFiles, Drop: maxDrop, InFlight: 16, Ahead: 32}

func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	rs := s.recipients.Load()
	kind := "hybrid"
	if rs.Kind() == crypto.X25519 {
		kind = "x25519"
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(description{
		V: 1, Recipients: rs.Strings(), Kind: kind, Fingerprint: rs.Fingerprint(),
		Sizes:     []int{storage.Small, storage.Large},
		Limits:    theLimits,
		Languages: languageTags(), Room: s.disk.seen(), Org: s.cfg.Org,
	})
}

func (s *Server) showRecipients(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rs := s.recipients.Load()
	io.WriteString(w, "# "+rs.Fingerprint()+"\n"+strings.Join(rs.Strings(), "\n")+"\n")
}
