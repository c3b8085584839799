// What Go has in its packages bytes and encoding/binary. In all text here one character stands for one byte (Latin-1).

export type Bytes = Uint8Array<ArrayBuffer>;

export const none: Bytes = new Uint8Array(0);

/** text returns b[from:to], or as much of it as there is. */
export function text(b: Bytes, from: number, to: number): string {
  return String.fromCharCode.apply(null, b.subarray(from, to) as unknown as number[]);
}

/** bytes returns the bytes of such a text. */
export function bytes(s: string): Bytes {
  const b = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) b[i] = s.charCodeAt(i);
  return b;
}

/** has reports whether this text stands in b at a place. */
export function has(b: Bytes, s: string, at = 0): boolean {
  for (let i = 0; i < s.length; i++) if (b[at + i] !== s.charCodeAt(i)) return false;
  return true;
}

/** index returns where this text stands in b first, from a place on, or -1. */
export function index(b: Bytes, s: string, from = 0): number {
  const first = s.charCodeAt(0);
  for (let i = from; (i = b.indexOf(first, i)) >= 0; i++) if (has(b, s, i)) return i;
  return -1;
}

/** notZero reports whether b is more than padding. */
export function notZero(b: Bytes): boolean {
  for (let i = 0; i < b.length; i++) if (b[i]) return true;
  return false;
}

export function u16(b: Bytes, at: number): number {
  return (b[at] << 8) | b[at + 1];
}

export function u32(b: Bytes, at: number): number {
  return u16(b, at) * 0x10000 + u16(b, at + 2);
}

export function le32(b: Bytes, at: number): number {
  return (b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)) >>> 0;
}

/** put32 returns a number as four bytes, big-endian. */
export function put32(n: number): Bytes {
  return new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);
}

export function putLE32(b: Bytes, at: number, n: number): void {
  for (let i = 0; i < 4; i++) b[at + i] = n >>> (8 * i);
}
