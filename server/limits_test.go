package server_test

import (
	"testing"

	"temoin/server"
)

// A place is given back once, however often done is called, and counts for its own way
// in.
func TestPlaces(t *testing.T) {
	l := server.NewPlaces()
	form, err := l.EnterForm()
	must(t, err)
	for range 896 {
		if _, err := l.EnterObject(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.EnterObject(); err == nil {
		t.Error("objects took the places that are kept for the form")
	}
	again, err := l.EnterForm()
	must(t, err)
	again.Done(10)
	again.Done(10)
	form.Done(5)
	if forms, objects, used := l.Taken(); forms != 0 || objects != 896 || used != 15 {
		t.Errorf("%d forms, %d objects, %d bytes", forms, objects, used)
	}
}
