import { Bytes, bytes, notZero, text, u32 } from './bytes';
import { copyMedia } from './encoder';
import { meta } from './heif';
import { IsoFile, mdat, moov } from './isobmff';
import { counted, isoLook, IsoEdit } from './isobmff_edit';
import { channels, stsd } from './isobmff_entry';
import { fragment, traf } from './isobmff_fragment';
import { IsoAction, isoBlank, isoCoded, isoDrop, isoGrammar, isoKeep, isoKids, isoQuiet, isoSpecial } from './isobmff_grammar';
import { gpsList, offsets, trak } from './isobmff_track';
import { Wide, wideMax, wideMin } from './wide';
import { noteWords, Other } from './words';

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
export function wide64(p: Bytes, at: number): Wide {
  const low = u32(p, at + 4);
  return p[at] >> 7 ? wideMax : new Wide(u32(p, at) * 2 ** 32 + low, low | 0);
}

/** walk passes the next n bytes, which are boxes in a box of type parent. */
export function walk(f: IsoFile, parent: string, n: Wide): void {
  const open = !n.less(new Wide(2 ** 62));
  while (n.n >= 8) {
    const p = f.s.peek(16);
    if (p.length < 8) {
      f.short = f.short || !open;
      f.s.zeroRest();
      return;
    }
    const b = isoHeader(p, n);
    if (!b) f.s.unknown();
    box(f, parent, b);
    n = n.minus(b.wide);
  }
  zero(f, n.n);
}

/** box passes one box as the grammar says. */
export function box(f: IsoFile, parent: string, b: IsoBox): void {
  const r = isoGrammar.get(parent + '/' + b.typ) || { do: isoDrop, says: '' };
  const action = b.typ === '\0\0\0\0' ? isoBlank : r.do;
  if (parent === '') missed(f, action, b);
  switch (action) {
    case isoDrop:
      return drop(f, b, r.says);
    case isoBlank:
      note(f, b.size, r.says);
      pass(f, b.head);
      return zero(f, b.body.n);
    case isoKeep:
      return keep(f, b, r.edit);
    case isoKids:
      pass(f, b.head);
      return walk(f, b.typ, b.body);
    case isoCoded:
      pass(f, b.head);
      return coded(f, b.body.n);
    case isoSpecial:
      return special(f, b);
  }
}

/** special passes a box that has a function of its own. */
function special(f: IsoFile, b: IsoBox): void {
  const pass = specials[b.typ];
  if (!pass) f.s.unknown(); // a compressed moov
  pass(f, b);
}

const specials: { [typ: string]: (f: IsoFile, b: IsoBox) => void } = {
  moov,
  moof: fragment,
  mdat,
  imda: mdat,
  meta,
  trak,
  traf,
  dref,
  stsd,
  stco: offsets,
  co64: offsets,
  'gps ': gpsList,
  chan: channels,
};

function dref(f: IsoFile, b: IsoBox): void {
  counted(f, b);
  walk(f, 'dref', b.body.plus(-8));
}

/** missed gives up where a box of the file that would be zeroed has media in it that are played. */
function missed(f: IsoFile, action: IsoAction, b: IsoBox): void {
  const rel = f.reach.plus(-f.s.pos);
  if ((action === isoDrop || action === isoBlank) && rel.n > 0 && rel.less(b.wide)) f.s.unknown();
}

/** drop passes a box as free space. */
export function drop(f: IsoFile, b: IsoBox, cls: string): void {
  note(f, b.size, cls);
  f.s.peek(8).set(bytes('free'), 4);
  pass(f, b.head);
  zero(f, b.body.n);
}

/** keep passes a box of which edit says how much stays, or all of it stays. */
function keep(f: IsoFile, b: IsoBox, edit?: IsoEdit): void {
  const left = b.body.n;
  if (!edit) return pass(f, b.size);
  let n = edit(f, f.s.peek(b.head + Math.min(left, isoLook)).subarray(b.head));
  if (n < 0) f.s.unknown();
  n = Math.min(n, left);
  pass(f, b.head + n);
  zero(f, left - n);
}

/** pass copies n bytes as they are: only media may be hidden. */
export function pass(f: IsoFile, n: number): void {
  f.s.pinned = true;
  f.short = f.s.copy(n) < n || f.short;
  f.s.pinned = false;
}

/** coded is pass for what encoders sign. */
function coded(f: IsoFile, n: number): void {
  f.s.pinned = true;
  f.short = copyMedia(f.s, n) < n || f.short;
  f.s.pinned = false;
}

export function zero(f: IsoFile, n: number): void {
  f.short = f.s.zero(n) < n || f.short;
}

/** note notes what the next box of n bytes tells, unless it is empty. */
export function note(f: IsoFile, n: number, cls: string): void {
  const p = f.s.peek(Math.min(n, 4 << 10));
  if (cls === isoQuiet || p.length < 4 || !notZero(p.subarray(8))) return;
  noteWords(f.s, p.subarray(4), cls || Other);
}

/** isoSplit calls f with type and body of each box in b, and the type in place, and reports whether b was nothing but boxes. */
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
