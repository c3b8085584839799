package main

import (
	"io"
	"net"
	"testing"
)

// A renewed image is confined already, and has a resolver of its own: the one of a C
// library would be refused there, and the bucket never found again.
func TestRenewedImageResolvesByItself(t *testing.T) {
	defer func(was bool) { net.DefaultResolver.PreferGo = was }(net.DefaultResolver.PreferGo)
	net.DefaultResolver.PreferGo = false
	d := &daemon{before: &inherited{}}
	if err := d.confine(io.Discard); err != nil || !net.DefaultResolver.PreferGo {
		t.Errorf("it asks the C library: %v", err)
	}
}
