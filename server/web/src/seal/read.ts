// Reading a witness's files, in a worker.

import type { Bytes } from './bytes';

/** The phone does not let us read a file, or it changed meanwhile. */
export class Unreadable extends Error {}

// FileReader, not a stream with a BYOB reader: that leaves less garbage, but in
// Chromium it hung for ever with 5 of 6 videos of 1 GiB.
//
// A FileReader holds the last bytes that it read until it is garbage-collected,
// so the few that exist are used again.
const readers: FileReader[] = [];

/** Reads bytes of a file, while the worker goes on with something else. */
export function read(file: Blob, from: number, to: number): Promise<Bytes> {
  const r = readers.pop() || new FileReader();
  return new Promise((resolve, reject) => {
    r.onload = () => {
      const b = new Uint8Array(r.result as ArrayBuffer);
      readers.push(r);
      if (b.length === to - from) resolve(b);
      else reject(new Unreadable()); // it became shorter
    };
    r.onerror = () => reject(new Unreadable());
    r.readAsArrayBuffer(file.slice(from, to));
  });
}
