package box

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"temoin/storage"
)

const maxChallenge = 32 << 10

// scope is what a token opens: each needs another answer to the challenge, so that a
// hostile box which passed on the challenge of an honest one, and found a way round its
// origin, could still not delete in a pull.
type scope int

const (
	read   scope = iota
	remove       // to set aside, and to list and restore what was set aside
	scopes
)

// inbox sends a request with a token, and once more with a new one when the
// box does not know the first any longer.
func (c *Client) inbox(
	ctx context.Context, of scope, method, path, byteRange string, codes ...int,
) (*http.Response, error) {
	for try := 1; ; try++ {
		token, err := c.authorize(ctx, of)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequest(method, c.origin+path, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", token)
		if byteRange != "" {
			req.Header.Set("Range", byteRange)
		}
		resp, err := c.do(ctx, req, codes...)
		var answer *answerError
		if try > 1 || !errors.As(err, &answer) || answer.status != http.StatusUnauthorized {
			return resp, err
		}
		c.forget(of, token)
	}
}

var challengeID = regexp.MustCompile(`^[0-9a-f]{1,128}$`)

// authorize returns the token, and asks for a challenge when there is none.
func (c *Client) authorize(ctx context.Context, of scope) (string, error) {
	if c.answer == nil {
		return "", errors.New("box: the inbox opens only with a key")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if token := c.tokens[of]; token != "" {
		return token, nil
	}
	token, err := c.challenge(ctx, of) // the caller tries again
	if err == nil {
		c.tokens[of] = token
	}
	return token, err
}

func (c *Client) challenge(ctx context.Context, of scope) (string, error) {
	body := `{"origin":"` + c.origin + `"}` // the grammar of an origin needs no escapes
	req, err := http.NewRequest(http.MethodPost, c.origin+"/v1/inbox/challenge", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.do(ctx, req, http.StatusOK)
	var answer *answerError
	if errors.As(err, &answer) && answer.code == "other-origin" {
		return "", fmt.Errorf(
			"box: %w: it opens its inbox only under its own address, and %s is none of them: use another, or let its operator set this one as origin",
			storage.ErrDenied, c.origin)
	}
	if err != nil {
		return "", err
	}
	id := resp.Header.Get("Temoin-Challenge")
	sealed, err := readAll(resp, maxChallenge)
	if err != nil {
		return "", err
	}
	if !challengeID.MatchString(id) {
		return "", fmt.Errorf("box: a challenge without a name: %w", storage.ErrDenied)
	}
	proof, err := c.answer(sealed, c.origin, of == remove)
	if err != nil {
		return "", fmt.Errorf("box: the challenge of the inbox: %w", err)
	}
	return "Temoin " + c.origin + " " + id + " " + hex.EncodeToString(proof[:]), nil
}

func (c *Client) forget(of scope, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens[of] == token {
		c.tokens[of] = ""
	}
}
