import { Bytes, text } from '../bytes';
import { Wide } from '../wide';

export const ebmlHeadLen = 12;
export const ebmlVoid = 0xec;

/** An Ebml is the head of an element of EBML. */
export interface Ebml {
  id: number;
  size: number; // of the payload; negative: not known
  wide: Wide; // the same
  sizeLen: number; // bytes that the size takes
  head: number; // bytes that identifier and size take
}

/** ebmlEnd returns where an element ends that starts at a position. */
export function ebmlEnd(e: Ebml, pos: number): Wide {
  return e.wide.plus(pos + e.head);
}

const leadingZeros = (c: number): number => Math.clz32(c) - 24;

/** ebmlHead reads the head of the element that b starts with. */
export function ebmlHead(b: Bytes): Ebml | undefined {
  if (b.length === 0 || b[0] < 0x10) return undefined;
  const idLen = leadingZeros(b[0]) + 1;
  if (b.length <= idLen || b[idLen] === 0) return undefined;
  let id = 0;
  for (let i = 0; i < idLen; i++) id = id * 256 + b[i];
  const sizeLen = leadingZeros(b[idLen]) + 1;
  const head = idLen + sizeLen;
  if (b.length < head) return undefined;
  let n = b[idLen] & (0x7f >> (sizeLen - 1));
  let low = n;
  for (let i = idLen + 1; i < head; i++) {
    n = n * 256 + b[i];
    low = (low << 8) | b[i];
  }
  let wide = new Wide(n, low);
  if (ebmlMax(sizeLen).less(wide)) wide = new Wide(-1);
  return { id, size: wide.n, wide, sizeLen, head };
}

/** ebmlNumber returns a number of up to 64 bits as text: two texts are equal exactly if Go's numbers are. */
export function ebmlNumber(b: Bytes): string {
  return text(b, -8, b.length).replace(/^\0+/, '');
}


/** ebmlMax is the largest size that a size field of n bytes can tell. */
function ebmlMax(n: number): Wide {
  return new Wide(2 ** (7 * n)).plus(-2);
}

/** putVoid makes b, the head of an element, into the head of a Void, if that is possible. */
export function putVoid(e: Ebml, b: Bytes): boolean {
  let n = e.sizeLen;
  const rest = e.wide.plus(e.head - 1);
  if (ebmlMax(n).less(rest.plus(-n))) n++;
  const size = rest.plus(-n);
  if (n > 8 || ebmlMax(n).less(size)) return false;
  b.fill(0, 0, e.head);
  b[0] = ebmlVoid;
  const high = Math.round((size.n - (size.low >>> 0)) / 2 ** 32);
  for (let i = n, k = 0; i > 0; i--, k++) b[i] = k < 4 ? size.low >> (8 * k) : high >> (8 * (k - 4));
  b[1] |= 1 << (8 - n);
  return true;
}

/**
 * ebmlEach calls f for the elements in b, with as much of their payloads as there is, and reports whether b consists of
 * elements.
 */
export function ebmlEach(b: Bytes, f: (e: Ebml, payload: Bytes) => void): boolean {
  while (b.length > 0) {
    const e = ebmlHead(b);
    if (!e || e.size < 0) return false;
    const n = Math.min(b.length, e.head + e.size);
    f(e, b.subarray(e.head, n));
    b = b.subarray(n);
  }
  return true;
}
