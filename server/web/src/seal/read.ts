// Reading a witness's files, in a worker.

import type { Bytes } from './bytes';

/** The phone does not let us read a file, or it changed meanwhile. */
export class Unreadable extends Error {}

/** Reads bytes of a file, while the worker goes on with something else. */
export function read(file: Blob, from: number, to: number): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const r = new FileReader();
    r.onload = () => {
      const b = new Uint8Array(r.result as ArrayBuffer);
      if (b.length === to - from) resolve(b);
      else reject(new Unreadable()); // it became shorter
    };
    r.onerror = () => reject(new Unreadable());
    r.readAsArrayBuffer(file.slice(from, to));
  });
}
