package browser

import (
	"fmt"
	"time"

	"temoin/e2e/box"
)

// Locks waits until the page says that the phone locks.
func (d *Driver) Locks() {
	d.t.Helper()
	d.WaitFor(`document.body.dataset.lock == "phone"`, 30*time.Second)
}

// Choose fills the form.
func (d *Driver) Choose(words string, files ...string) {
	d.t.Helper()
	if len(files) > 0 {
		d.Files("input[type=file]", files...)
		d.WaitFor(fmt.Sprintf(`document.querySelectorAll(".list li").length == %d`, len(files)), 10*time.Second)
	}
	if words != "" {
		d.TypeText("[name=words]", words)
	}
}

// Press presses Send.
func (d *Driver) Press() {
	d.t.Helper()
	d.Click("form button:not([type])")
}

// Send presses Send, waits for the receipt, and returns its digits.
func (d *Driver) Send(most time.Duration) string {
	d.t.Helper()
	d.Press()
	d.WaitFor(`["done", "failed"].includes(document.body.dataset.state)`, most)
	text := d.Text("document.querySelector('main').innerText")
	receipt := box.ReceiptIn(text)
	if receipt == "" {
		d.t.Fatalf("no receipt:\n%s", text)
	}
	return receipt
}
