package storage_test

import (
	"strings"
	"testing"
	"time"

	"temoin/storage"
)

func TestAsideNames(t *testing.T) {
	hex := strings.Repeat("0f", 32)
	for name, want := range map[string]bool{
		"2026-11-29/" + hex: true, "2024-02-29/" + hex + "-0123456789": true,
		"2026-02-29/" + hex: false, "2026-11-29/" + hex + "-1": false, "2026-11-29/" + hex + "-01234567890": false,
		"2026-11-29/" + hex + "-012345678x": false, "2026-11-29/" + hex + "_0123456789": false,
		"2026-11-29/" + hex[1:]: false, "2026-11-29/" + strings.ToUpper(hex): false, "2026-11-9/" + hex: false,
		"": false, hex: false, "c/" + hex: false, "2026-11-29/" + hex + "/": false, "2026-11-29/../" + hex[3:]: false,
	} {
		if got := storage.ValidAside(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	for range 1000 {
		if got := storage.OtherAsideName("2026-11-29", "c/"+hex); !storage.ValidAside(got) || (storage.Aside{Name: got}).Key() != "c/"+hex {
			t.Errorf("another name: %q", got)
		}
	}
}

// An object can be taken back for seven whole days, whenever on its day it came.
func TestAsideDays(t *testing.T) {
	for _, clock := range []string{"00:00:00", "23:59:59"} {
		at, err := time.Parse(time.DateTime, "2026-11-29 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		day := storage.Today(at)
		if after := at.AddDate(0, 0, 7); day < storage.PurgeDay(after) {
			t.Errorf("of %s: gone at %s", at, after)
		}
		if after := at.AddDate(0, 0, 8); day >= storage.PurgeDay(after) {
			t.Errorf("of %s: still there at %s", at, after)
		}
	}
}
