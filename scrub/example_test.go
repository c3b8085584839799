package scrub_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"strings"

	"temoin/scrub"
)

// A photo that tells where, when and with which phone it was taken.
func ExampleFile() {
	photo, err := os.Open("../testdata/samples/gen-small.jpg")
	if err != nil {
		log.Fatal(err)
	}
	defer photo.Close()
	var clean bytes.Buffer
	report, err := scrub.File(&clean, photo)
	if err != nil {
		fmt.Println(err) // of reading or writing
		return
	}
	if report.Details != scrub.Removed {
		fmt.Println("this file cannot be cleaned: clean holds it as it is")
		return
	}
	fmt.Println(report.Type, report.Details, strings.Join(report.Removed, ", "))
	// Output:
	// image/jpeg removed device, embedded, ids, person, place, preview, text, time
}
