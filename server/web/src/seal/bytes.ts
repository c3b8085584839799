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
