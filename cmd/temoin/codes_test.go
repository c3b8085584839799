package main_test

import (
	"os"
	"regexp"
	"testing"
)

// Every exit code of the program has its row in docs/coordinators.md.
func TestExitCodesAreDocumented(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/coordinators.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)^\texit[A-Z]\w* += (\d+)$`).FindAllSubmatch(program, -1)
	if len(codes) < 11 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	for _, c := range codes {
		if !regexp.MustCompile(`(?m)^\| ` + string(c[1]) + ` \| `).Match(page) {
			t.Errorf("code %s is not in docs/coordinators.md", c[1])
		}
	}
}
