// Package crypto seals drops and opens them.
//
// A drop is what one witness sends at one time: words and files. At rest it is
// a handful of objects of exactly 65,536 or 1,048,576 bytes. Each is one age v1
// file, and the plaintext of each is a POSIX tar archive, so that the programs
// age, tar and openssl open everything without this package (docs/recover.md).
//
// # Sealing
//
// A [Sealer] takes files of unknown length and hands objects to an [Output] as they
// fill. It holds at most 64 KiB of what it was given. The
// opening letter goes to all [Recipients] of the box and carries the secret of
// an age identity made for this drop alone; chunks and the closing letter go to
// that identity. Once the opening letter is sealed the Sealer has forgotten the
// secret: it can add to the drop and cannot open it.
//
// # Opening
//
// [OpenLetter] and the methods of [Letter] trust nothing. An object is checked,
// decrypted to its end and parsed against a grammar that leaves no choices
// before any byte of it is used. [Letter.Read] puts a drop together and says
// whether it is complete.
//
// # What it does not do
//
// age does not authenticate senders: whoever holds the identity of a drop can
// forge its contents. The package knows no files, no network and no clock.
//
// Runnable examples that seal a drop and open it are in example_test.go and
// example_open_test.go. docs/format.md describes the format for other languages.
package crypto
