package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"unsafe"
)

// asForgetful makes the test program start as temoind does, and then look at memory that
// it has freed.
const asForgetful = "TEMOIND_AS_FORGETFUL"

// lookAtFreed prints how GODEBUG is set, and what is left of a secret that was freed.
func lookAtFreed() {
	if err := overwriteFreed(); err != nil {
		fmt.Println(err)
		return
	}
	secret := bytes.Repeat([]byte("secret"), 1000)
	at := uintptr(unsafe.Pointer(&secret[0]))
	secret = nil
	runtime.GC()
	var first [6]byte
	for i := range first {
		first[i] = *(*byte)(unsafe.Add(unsafe.Pointer(nil), at+uintptr(i)))
	}
	fmt.Printf("%s, %v", os.Getenv("GODEBUG"), string(first[:]) == "secret")
}

// Whatever an operator has in GODEBUG stays, and freed memory is overwritten. If a new Go
// has no such setting any more, this fails.
func TestFreedMemoryIsOverwritten(t *testing.T) {
	for before, want := range map[string]string{
		"":                              "clobberfree=1",
		"clobberfree=1":                 "clobberfree=1",
		"clobberfree=0":                 "clobberfree=1",
		"madvdontneed=0":                "madvdontneed=0,clobberfree=1",
		"http2debug=0,clobberfree=1,,x": "http2debug=0,x,clobberfree=1",
		"clobberfree=1,clobberfree=0":   "clobberfree=1",
	} {
		cmd := exec.Command(os.Args[0], "an argument")
		cmd.Env = append(os.Environ(), asForgetful+"=1", "GODEBUG="+before)
		out, err := cmd.CombinedOutput()
		if want += ", false"; err != nil || string(out) != want {
			t.Errorf("started with GODEBUG=%s: %v, it says %q, want %q", before, err, out, want)
		}
		if again := withClobber(withClobber(before)); again != withClobber(before) {
			t.Errorf("%q: it would start anew for ever, with %q", before, again)
		}
	}
}
