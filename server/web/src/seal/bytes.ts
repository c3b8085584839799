// Small things about bytes that the standard library of old browsers lacks.

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

export const utf8 = (s: string): Bytes => encoder.encode(s);

export function concat(...pieces: Uint8Array[]): Bytes {
  const all = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

export function hex(b: Uint8Array): string {
  let s = '';
  for (const c of b) s += (c < 16 ? '0' : '') + c.toString(16);
  return s;
}

export function random(n: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(n));
}

/** Wipes bytes. Their memory is left to the browser: giving it back by hand made
 * Chromium collect garbage so rarely that a video's Blobs stayed, all of them. */
export function wipe(...all: Uint8Array[]): void {
  for (const b of all) b.fill(0);
}
