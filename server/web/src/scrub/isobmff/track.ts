import { Bytes, text, u16, u32 } from '../bytes';
import { Wide, wideFar } from '../wide';
import { Device, Embedded, Place, Text, Time } from '../words';
import { IsoBox, isoFind, isoInt } from './box';
import { IsoFile, track } from './file';
import { counted, drop, pass, zero } from './pass';
import { walk } from './walk';

/** trak passes a track of pictures or sound. Others go with all of their samples. */
export function trak(f: IsoFile, b: IsoBox): void {
  const hdlr = ahead(f, b, 'mdia', 'hdlr');
  if (!hdlr || hdlr.length < 12) f.s.giveUp();
  f.kind = text(hdlr, 8, 12);
  if (['vide', 'soun', 'pict', 'auxv'].indexOf(f.kind) < 0) return dropTrack(f, b);
  pass(f, b.head);
  walk(f, 'trak', b.body);
}

/** ahead returns the start of the body of a box inside the next one, without taking it. */
export function ahead(f: IsoFile, b: IsoBox, ...path: string[]): Bytes | undefined {
  const most = Math.min(b.size, f.s.maxWindow / 2);
  for (let n = 4 << 10; ; n *= 8) {
    const p = f.s.peek(Math.min(n, most));
    if (p.length < b.head) return undefined;
    const found = isoFind(p.subarray(b.head), b.body, ...path);
    if ((found && found.length >= 16) || n >= most || p.length < n) return found;
  }
}

/** dropTrack makes free space of a track and hides its samples. */
function dropTrack(f: IsoFile, b: IsoBox): void {
  f.drops = true;
  f.s.found(Embedded);
  const tkhd = ahead(f, b, 'tkhd');
  if (tkhd && tkhd.length >= 24) track(f, u32(tkhd, 12 + 8 * Math.min(tkhd[0], 1))).dropped = true;
  else f.s.partly = true;
  let whole = b.size <= f.s.maxWindow;
  if (whole) {
    const p = f.s.peek(b.size);
    whole = p.length === b.size && hideSamples(f, p.subarray(b.head));
  }
  if (!whole) f.s.partly = true;
  drop(f, b, Embedded);
}

/** hideSamples hides all samples of a track and reports whether its tables tell where they are. */
function hideSamples(f: IsoFile, trak: Bytes): boolean {
  const stbl = isoFind(trak, new Wide(trak.length), 'mdia', 'minf', 'stbl');
  const table = (typ: string): Bytes | undefined => stbl && isoFind(stbl, new Wide(stbl.length), typ);
  noteEntry(f, table('stsd'));
  const sizes = isoSampleSizes(table('stsz'), table('stz2'));
  if (!sizes) return false;
  if (sizes.count === 0) return true;
  let width = 4;
  let chunks = isoEntries(table('stco'), width);
  if (!chunks) {
    width = 8;
    chunks = isoEntries(table('co64'), width);
  }
  let runs = isoEntries(table('stsc'), 12);
  if (!runs || runs.length === 0) return false;
  for (let c = 1, at = 0; chunks && at < chunks.length && sizes.next < sizes.count; c++, at += width) {
    while (runs.length >= 24 && u32(runs, 12) <= c) runs = runs.subarray(12);
    f.s.hide(isoInt(chunks.subarray(at, at + width)).n, sum(sizes, u32(runs, 4)));
  }
  return sizes.next === sizes.count;
}

/** noteEntry notes what the kind of samples gives away. */
function noteEntry(f: IsoFile, stsd: Bytes | undefined): void {
  if (!stsd || stsd.length < 16) return;
  switch (text(stsd, 12, 16)) {
    case 'gpmd':
    case 'camm':
      return f.s.found(Place, Device);
    case 'tmcd':
      return f.s.found(Time);
    case 'text':
    case 'tx3g':
      return f.s.found(Text);
  }
}

/** isoEntries returns the entries of a table that are really there. */
function isoEntries(b: Bytes | undefined, width: number): Bytes | undefined {
  if (!b || b.length < 8) return undefined;
  const n = u32(b, 4);
  return b.subarray(8, 8 + Math.min(n, Math.floor((b.length - 8) / width)) * width);
}

/** IsoSizes is how long the samples of a track are, read from first to last. */
interface IsoSizes {
  count: number;
  next: number;
  all: number; // the size of each of them, if not 0
  bits: number; // of an entry
  table: Bytes;
}

function isoSampleSizes(stsz: Bytes | undefined, stz2: Bytes | undefined): IsoSizes | undefined {
  const b = stsz || stz2;
  if (!b || b.length < 12) return undefined;
  const z = { count: u32(b, 8), next: 0, all: stsz ? u32(b, 4) : 0, bits: stsz ? 32 : b[7], table: b.subarray(12) };
  if (z.bits !== 4 && z.bits !== 8 && z.bits !== 16 && z.bits !== 32) return undefined;
  return z.all !== 0 || z.count * z.bits <= 8 * z.table.length ? z : undefined;
}

/** sum returns the length of the next n samples, or of all there are. */
function sum(z: IsoSizes, n: number): number {
  n = Math.min(n, z.count - z.next);
  const from = z.next;
  z.next += n;
  if (z.all !== 0) return Math.min(n * z.all, wideFar.n);
  let sum = 0;
  for (let i = from; i < from + n; i++) sum += size(z, i);
  return sum;
}

function size(z: IsoSizes, i: number): number {
  const at = Math.floor((i * z.bits) / 8);
  switch (z.bits) {
    case 4:
      return (z.table[at] >> (4 - 4 * (i & 1))) & 15;
    case 8:
      return z.table[at];
    case 16:
      return u16(z.table, at);
  }
  return u32(z.table, at);
}

/** offsets passes the positions of the chunks of a track and remembers the last. */
export function offsets(f: IsoFile, b: IsoBox): void {
  const width = b.typ === 'co64' ? 8 : 4;
  const p = f.s.peek(b.head + 8);
  counted(f, b);
  let left = b.body.n - 8;
  let n = 0;
  if (p.length === b.head + 8) n = Math.min(Math.floor(left / width), u32(p, b.head + 4));
  left -= n * width;
  while (n > 0) {
    const p = f.s.peek(Math.min(n, 1024) * width);
    if (p.length === 0) {
      f.short = true;
      break;
    }
    for (let at = 0; p.length - at >= width; at += width) {
      const to = isoInt(p.subarray(at, at + width));
      if (f.reach.less(to)) f.reach = to;
    }
    pass(f, p.length);
    n -= Math.ceil(p.length / width);
  }
  zero(f, left);
}

/** gpsList drops the box in which dashboard cameras list where they wrote their GPS positions, and hides these. */
export function gpsList(f: IsoFile, b: IsoBox): void {
  f.s.found(Place);
  if (b.size > f.s.maxWindow) f.s.partly = true;
  else {
    const p = f.s.peek(b.size);
    const e = isoEntries(p.subarray(b.head), 8);
    for (let at = 0; p.length >= b.head && e && at < e.length; at += 8) f.s.hide(u32(e, at), u32(e, at + 4));
  }
  drop(f, b, Place);
}
