package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// wire is a WebDriver BiDi connection: numbered commands, their answers in any
// order, and events in between.
type wire struct {
	conn   *websocket.Conn
	event  func(method string, params json.RawMessage)
	mu     sync.Mutex
	last   int
	asked  map[int]chan message
	broken error
}

type message struct {
	ID      int             `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

func dialWire(ctx context.Context, url string, event func(string, json.RawMessage)) (*wire, error) {
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(256 << 20) // pictures
	w := &wire{conn: conn, event: event, asked: map[int]chan message{}}
	go w.read()
	return w, nil
}

func (w *wire) read() {
	for {
		var m message
		if err := wsjson.Read(context.Background(), w.conn, &m); err != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.broken = fmt.Errorf("the browser is gone: %w", err)
			for _, c := range w.asked {
				close(c)
			}
			return
		}
		if m.ID == 0 {
			w.event(m.Method, m.Params)
			continue
		}
		w.mu.Lock()
		c := w.asked[m.ID]
		delete(w.asked, m.ID)
		w.mu.Unlock()
		if c != nil {
			c <- m
		}
	}
}

// call sends a command, and puts the answer into result unless that is nil.
func (w *wire) call(ctx context.Context, method string, params, result any) error {
	answer := make(chan message, 1)
	w.mu.Lock()
	if w.broken != nil {
		defer w.mu.Unlock()
		return w.broken
	}
	w.last++
	id := w.last
	w.asked[id] = answer
	w.mu.Unlock()
	if err := wsjson.Write(ctx, w.conn, map[string]any{"id": id, "method": method, "params": params}); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case m, ok := <-answer:
		switch {
		case !ok:
			return errors.New(method + ": the browser is gone")
		case m.Error != "":
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	}
}
