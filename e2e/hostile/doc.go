// Package hostile has requests that are made to confuse a server or a proxy in front of it (request smuggling), and asks
// whether anything but what they are allowed to do came of them.
package hostile
