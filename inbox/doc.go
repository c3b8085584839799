// Package inbox is the coordinators' side: it brings sealed drops home and
// opens them there.
//
// # The vault
//
// Ciphertext is the archive, plaintext is a view. A [Vault] is a store of
// sealed objects, under the names that they had at the source, and a folder
// "state" beside them. It pulls, verifies and removes. To look at what it holds,
// take a [Snapshot]: that lists, finds, shows and opens drops, for any number of
// readers, while the vault goes on. Nothing is decrypted to the disk unless
// [Snapshot.Open] is asked to.
//
// What stands in state can be lost: lists of objects that turned out to be none
// of ours, an index that makes listing fast, the names of drops that were removed
// (without them a pull brings these again),
// beginnings of objects that came on a bad line, damaged objects that were set
// aside, and a reserve with which a full vault frees itself. The index and the
// names are sealed to the coordinator's own key, because they say which objects
// belong together.
//
// No verdict on bytes is for ever. What is not ours is looked at again in turn,
// what is broken is tried again by each [Vault.Pull], and [Vault.Verify] opens
// everything whatever the index says.
//
// # What it trusts
//
// Nothing that comes out of a source or out of an object. Names of files are
// ours, written under an [os.Root], so that no path leads out of the folder; text
// for a terminal goes through [Escape], so that no escape sequence gets there; and
// no count in a manifest decides how long a loop runs.
//
// # What it does not do
//
// It does not know where sources are, and it does not seal drops.
package inbox
