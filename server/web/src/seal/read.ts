// Reading a witness's files, in a worker.

import type { Bytes } from './bytes';

/** The phone does not let us read a file, or it changed meanwhile. */
export class Unreadable extends Error {}

// Not a stream that fills memory of ours: it leaves less garbage, but in Chromium 5
// of 6 videos of a gigabyte stood still for ever.
//
// A reader keeps what it read last, until the garbage collector comes: so there
// are few of them.
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
