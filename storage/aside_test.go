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
		"2026-11-29/" + hex: true, "2024-02-29/" + hex + "-2": true, "2026-11-29/" + hex + "-9": true,
		"2026-02-29/" + hex: false, "2026-11-29/" + hex + "-1": false, "2026-11-29/" + hex + "-10": false,
		"2026-11-29/" + hex[1:]: false, "2026-11-29/" + strings.ToUpper(hex): false, "2026-11-9/" + hex: false,
		"": false, hex: false, "c/" + hex: false, "2026-11-29/" + hex + "/": false, "2026-11-29/../" + hex[3:]: false,
	} {
		if got := storage.ValidAside(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if got := storage.AsideName("2026-11-29", "c/"+hex, 9); got != "2026-11-29/"+hex+"-9" || (storage.Aside{Name: got}).Key() != "c/"+hex {
		t.Errorf("the ninth: %q", got)
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
		gone, err := time.Parse(time.DateOnly, storage.GoneOn(at))
		if err != nil || day >= storage.PurgeDay(gone) || day < storage.PurgeDay(gone.Add(-time.Second)) {
			t.Errorf("of %s: goes on %s", at, gone)
		}
	}
}
