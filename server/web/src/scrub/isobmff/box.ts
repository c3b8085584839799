import { Bytes, text, u32 } from '../bytes';
import { Wide, wideFar, wideMax, wideMin } from '../wide';

/** An IsoBox is the header of a box. */
export interface IsoBox {
  typ: string;
  head: number; // bytes of the header, 8 or 16
  size: number; // bytes of the whole box
  wide: Wide; // the same
  body: Wide; // without the header
}

/** isoHeader reads the header at the start of p, of a box within the next left bytes. */
export function isoHeader(p: Bytes, left: Wide): IsoBox | undefined {
  if (p.length < 8) return undefined;
  let wide = new Wide(u32(p, 0));
  let head = 8;
  if (wide.n === 0) wide = left;
  else if (wide.n === 1) {
    if (p.length < 16) return undefined;
    head = 16;
    wide = wideMin(wide64(p, 8), wideMax);
  }
  if (wide.n < head || left.less(wide)) return undefined;
  return { typ: text(p, 4, 8), head, size: wide.n, wide, body: wide.plus(-head) };
}

/** wide64 reads eight bytes, or the largest number if they are above it. */
function wide64(p: Bytes, at: number): Wide {
  const low = u32(p, at + 4);
  return p[at] >> 7 ? wideMax : new Wide(u32(p, at) * 2 ** 32 + low, low | 0);
}

/** isoInt reads a number of 0, 4 or 8 bytes; one that is too large is made one after the end of any file. */
export function isoInt(b: Bytes): Wide {
  switch (b.length) {
    case 4:
      return new Wide(u32(b, 0));
    case 8:
      return wideMin(wide64(b, 0), wideFar);
  }
  return new Wide(0);
}

/**
 * isoSplit calls f with type and body of each box in b, and the type in place, and reports whether b was nothing but
 * boxes.
 */
export function isoSplit(b: Bytes, f: (typ: string, body: Bytes, name: Bytes) => void): boolean {
  while (b.length >= 8) {
    const box = isoHeader(b, new Wide(b.length));
    if (!box) return false;
    f(box.typ, b.subarray(box.head, box.size), b.subarray(4, 8));
    b = b.subarray(box.size);
  }
  b.fill(0);
  return true;
}

/** isoFind returns the body of the first box with a path among boxes of n bytes, of which b are the first ones. */
export function isoFind(b: Bytes, n: Wide, ...path: string[]): Bytes | undefined {
  while (n.n >= 8) {
    const box = isoHeader(b, n);
    if (!box) return undefined;
    if (box.typ === path[0] && box.head <= b.length) {
      const body = b.subarray(box.head, box.size);
      return path.length === 1 ? body : isoFind(body, box.body, ...path.slice(1));
    }
    b = b.subarray(Math.min(b.length, box.size));
    n = n.minus(box.wide);
  }
  return undefined;
}
