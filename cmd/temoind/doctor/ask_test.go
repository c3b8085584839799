package doctor

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"temoin/cmd/temoind/settings"
)

// No answer is not taken for a good one: not where nothing listens, not where another
// program does, and not when the settings name no address.
func TestAskNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := l.Addr().String()
	l.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, listen := range []settings.List{nil, {silent}, {other.Listener.Addr().String()}} {
		boxes, err := Ask(t.Context(), &settings.Settings{Listen: listen})
		if err == nil || boxes != nil {
			t.Errorf("%v: %v, %v", listen, boxes, err)
		}
	}
}
