package doctor

import (
	"context"
	"encoding/json"
	"errors"

	"temoin/cmd/temoind/settings"
)

// Box is what a running box says and shows of itself at one of its addresses.
type Box struct {
	Fingerprint string // of the coordinators' keys
	Certificate []byte // in DER, the first of the chain; nil where it speaks http
}

// errNoBox: what answers is something else.
var errNoBox = errors.New("what answers is no box")

// Ask asks the box that runs with these settings, wherever it listens. Boxes are the
// answers; without any the error says why there is none.
func Ask(ctx context.Context, s *settings.Settings) (boxes []Box, err error) {
	var all []error
	for _, r := range straight(s) {
		box, err := r.box(ctx)
		if err != nil {
			all = append(all, err)
			continue
		}
		boxes = append(boxes, box)
	}
	switch {
	case len(boxes) > 0:
		return boxes, nil
	case len(all) == 0:
		return nil, errors.New("listen holds no address")
	}
	return nil, errors.Join(all...)
}

// box asks for the description of the box. The error may be errNoBox.
func (r Route) box(ctx context.Context) (b Box, err error) {
	resp, answer, err := r.Ask(ctx, "/v1/box")
	if err != nil {
		return b, err
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		b.Certificate = resp.TLS.PeerCertificates[0].Raw
	}
	var description struct{ Fingerprint string }
	if err := json.Unmarshal(answer, &description); err != nil || description.Fingerprint == "" {
		return b, errNoBox
	}
	b.Fingerprint = description.Fingerprint
	return b, nil
}
