import { Bytes, index, notZero, u16 } from '../bytes';
import { isoInt } from '../isobmff/box';
import { streamWindow } from '../stream';
import { noteExif } from '../tiff';
import { wideFar, wideMin } from '../wide';
import { noteWords, Other, Text } from '../words';
import { Heif, HeifExtent, heifID } from './meta';

const heifInFile = 0;
const heifInIdat = 1;

/** readExtents reads where items are. */
export function readExtents(m: Heif, b: Bytes | undefined): boolean {
  if (!b) return true;
  if (b.length < 8 || b[0] > 2) return false;
  const version = b[0];
  const w: HeifWidths = { offset: b[4] >> 4, length: b[4] & 15, base: b[5] >> 4, index: version > 0 ? b[5] & 15 : 0 };
  if ([w.offset, w.base, w.index, w.length].some((n) => n !== 0 && n !== 4 && n !== 8)) return false;
  const head = heifID(b.subarray(6), b, 1);
  if (!head) return false;
  let [count, rest] = head;
  for (; count > 0; count--) {
    const after = readPlace(m, rest, version, w);
    if (!after) return false;
    rest = after;
  }
  rest.fill(0);
  return true;
}

/** HeifWidths are the lengths of the numbers in iloc, in bytes. */
interface HeifWidths {
  offset: number;
  length: number;
  base: number;
  index: number;
}

/** readPlace reads where one item is, and returns what follows. */
function readPlace(m: Heif, b: Bytes, version: number, w: HeifWidths): Bytes | undefined {
  const head = heifID(b, new Uint8Array([version]), 1);
  if (!head) return undefined;
  let [item, rest] = head;
  let method = 0;
  if (version > 0) {
    if (rest.length < 2) return undefined;
    method = u16(rest, 0) & 15;
    rest = rest.subarray(2);
  }
  if (rest.length < 4 + w.base) return undefined;
  const base = isoInt(rest.subarray(2, 2 + w.base));
  const n = u16(rest, 2 + w.base);
  rest = rest.subarray(4 + w.base);
  const size = w.index + w.offset + w.length;
  if (rest.length < n * size || (size === 0 && n > 1)) return undefined;
  for (let i = 0; i < n; i++) {
    const q = rest.subarray(w.index);
    const offset = isoInt(q.subarray(0, w.offset));
    const from = wideMin(base.plus(offset.n, offset.low), wideFar);
    const length = w.length === 0 ? -1 : isoInt(q.subarray(w.offset, w.offset + w.length)).n;
    m.extents.push({ item, method, from, n: length });
    rest = rest.subarray(size);
  }
  return rest;
}

/** gone reports whether the item that an extent belongs to is removed. */
function gone(m: Heif, e: HeifExtent): boolean {
  const i = m.items.get(e.item);
  return !i || i.gone;
}

/**
 * hide has the bytes of items that go zeroed, and notes where those of the others start. Those in meta itself are for
 * hideIdat.
 */
export function hide(m: Heif): void {
  for (const e of m.extents) {
    if (e.method !== heifInFile) continue;
    if (gone(m, e)) m.f.s.hide(e.from.n, e.n);
    else if (m.f.reach.less(e.from)) m.f.reach = e.from;
  }
}

/**
 * hideIdat zeroes in idat the bytes of items that go. It reports false if it is not known where all bytes of these
 * are.
 */
export function hideIdat(m: Heif): boolean {
  const idat = m.boxes.get('idat');
  for (const e of m.extents) {
    if (!gone(m, e)) continue;
    if (e.n < 0 || e.method > heifInIdat) return false;
    const from = e.method === heifInFile ? e.from.n - m.idat : e.from.n;
    if (idat && from + e.n > 0) idat.fill(0, Math.max(from, 0), from + e.n);
  }
  return true;
}

/** noteExtents adds to the report what Exif and XMP tell, if they come within the next 64 KiB. */
export function noteExtents(m: Heif): void {
  if (!m.others) return;
  let noted = false;
  let looks = 4;
  for (const e of m.extents) {
    const rel = e.from.n - m.f.s.pos;
    if (!gone(m, e) || e.method !== heifInFile || looks === 0 || rel < 0 || rel > streamWindow || e.n <= 0) continue;
    looks--;
    const p = m.f.s.peek(Math.min(rel + e.n, streamWindow)).subarray(rel);
    if (notZero(p)) noted = noteExtent(m, p) || noted;
  }
  if (!noted) m.f.s.found(Other);
}

function noteExtent(m: Heif, p: Bytes): boolean {
  for (const start of ['II*\0', 'MM\0*']) {
    const i = index(p.subarray(0, 64), start);
    if (i >= 0) {
      noteExif(m.f.s, p.subarray(i));
      return true;
    }
  }
  if (index(p, '<x:xmpmeta') < 0) return false;
  noteWords(m.f.s, p, Text);
  return true;
}
