// Package inbox is the coordinators' side: it brings sealed drops home and
// opens them there.
//
// # The vault
//
// Ciphertext is the archive, plaintext is a view. A [Vault] is a store of
// sealed objects, under the names that they had at the source, and a folder
// "state" beside them. Nothing is decrypted to the disk unless [Vault.Open] is
// asked to. What stands in state can be lost: a list of objects that turned
// out to be none of ours, an index that makes listing fast, and the names of
// drops that were removed. The last two are sealed to the coordinator's own
// key, because they say which objects belong together.
//
// # What it trusts
//
// Nothing that comes out of a source or out of an object. Names of files are
// ours, written under an [os.Root]; text for a terminal goes through [Escape];
// no number in a manifest makes it loop.
//
// # What it does not do
//
// It does not know where sources are, and it does not seal drops.
package inbox
