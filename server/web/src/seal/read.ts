// Reading a witness's files, in a worker.

import type { Bytes } from './bytes';

/** The phone does not let us read a file, or it changed meanwhile. */
export class Unreadable extends Error {}

export function read(file: Blob, from: number, to: number): Bytes {
  let b: Bytes;
  try {
    b = new Uint8Array(new FileReaderSync().readAsArrayBuffer(file.slice(from, to)));
  } catch (e) {
    throw new Unreadable();
  }
  if (b.length !== to - from) throw new Unreadable(); // it became shorter
  return b;
}
