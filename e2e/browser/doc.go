// Package browser drives real browsers: Chromium, Firefox, Firefox as Tor Browser sets it up ("safer"), Firefox without
// scripts, and WebKit. [Driver] is the same for all; [Phone] is Chromium without scripts.
package browser
