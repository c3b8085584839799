import { bytes, Bytes, notZero, text, u32 } from '../bytes';
import { all } from '../stream';
import { Software, Time } from '../words';
import { IsoEdit, IsoFile, track } from './file';

export const isoLook = 128;

export const isoFirst =
  (n: number): IsoEdit =>
  () =>
    n;

export const isoTable =
  (entry: number): IsoEdit =>
  (_, p) =>
    p.length < 8 ? -1 : 8 + entry * u32(p, 4);

export const isoElst: IsoEdit = (f, p) => isoTable(p[0] === 1 ? 20 : 12)(f, p);

export const isoCslg: IsoEdit = (_, p) => (p[0] === 1 ? 44 : 24);

export const isoStsz: IsoEdit = (_, p) => {
  if (p.length < 12) return -1;
  return u32(p, 4) !== 0 ? 12 : 12 + 4 * u32(p, 8);
};

export const isoStz2: IsoEdit = (_, p) => (p.length < 12 ? -1 : 12 + Math.floor((u32(p, 8) * p[7] + 7) / 8));

export const isoMvhd: IsoEdit = (f, p) => {
  const d = isoVersion(p, 100);
  if (d < 0) return -1;
  times(f, p);
  p.fill(0, 26 + d, 36 + d);
  p.fill(0, 72 + d, 96 + d);
  return 100 + d;
};

export const isoTkhd: IsoEdit = (f, p) => {
  const d = isoVersion(p, 84);
  if (d < 0) return -1;
  times(f, p);
  p.fill(0, 16 + (2 * d) / 3, 20 + (2 * d) / 3);
  p.fill(0, 24 + d, 32 + d);
  p.fill(0, 38 + d, 40 + d);
  return 84 + d;
};

export const isoMdhd: IsoEdit = (f, p) => {
  const d = isoVersion(p, 24);
  if (d < 0) return -1;
  times(f, p);
  p.set(bytes('\x55\xc4\0\0'), 20 + d);
  return 24 + d;
};

/** isoVersion returns how much longer than in version 0 a body is, or -1. */
function isoVersion(p: Bytes, n: number): number {
  if (p.length === 0 || p[0] > 1 || p.length < n + 12 * p[0]) return -1;
  return 12 * p[0];
}

function times(f: IsoFile, p: Bytes): void {
  clear(f, p.subarray(4, 12 + 8 * p[0]), Time);
}

/** clear zeroes b, which tells something of a class. */
export function clear(f: IsoFile, b: Bytes, cls = Software): void {
  if (notZero(b)) f.s.found(cls);
  b.fill(0);
}

export const isoHdlr: IsoEdit = (f, p) => {
  if (p.length < 12) return -1;
  const cls = text(p, 4, 8);
  if (cls !== 'mhlr' && cls !== 'dhlr') p.fill(0, 4, 8);
  clear(f, p.subarray(12));
  return 12;
};

export const isoVendor: IsoEdit = (_, p) => {
  if (p.length < 4) return -1;
  p.fill(0, 0, 4);
  return p.length;
};

export const isoDfLa: IsoEdit = (_, p) => {
  if (p.length < 42 || (p[4] & 0x7f) !== 0 || p[5] || p[6] || p[7] !== 34) return -1;
  p[4] |= 0x80;
  return 42;
};

export const isoTrex: IsoEdit = (f, p) => {
  if (p.length < 24) return -1;
  track(f, u32(p, 4)).size = u32(p, 16);
  return 24;
};

export const isoColr: IsoEdit = (_, p) => {
  switch (text(p, 0, 4)) {
    case 'nclx':
      return 11;
    case 'nclc':
      return 10;
    case 'prof':
    case 'rICC':
      return all;
  }
  return 0;
};

export const isoAuxi: IsoEdit = (_, p) => (p.length < 4 ? -1 : 4 + isoString(p.subarray(4)).length);

/** isoString is the text at the start of b with the zero that ends it. */
export function isoString(b: Bytes): Bytes {
  return b.subarray(0, b.indexOf(0) + 1 || b.length);
}
