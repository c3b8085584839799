import { u16, u32 } from '../bytes';
import { IsoBox, isoHeader } from './box';
import { clear } from './edit';
import { IsoFile } from './file';
import { counted, drop, isoQuiet, pass, zero } from './pass';
import { walk } from './walk';

/** stsd passes the descriptions of how samples are coded. */
export function stsd(f: IsoFile, b: IsoBox): void {
  const version = f.s.peek(b.head + 8)[b.head] || 0;
  counted(f, b);
  for (let n = b.body.plus(-8); n.n > 0; ) {
    const e = isoHeader(f.s.peek(16), n);
    if (!e) {
      if (n.n >= 8 && !f.s.end()) f.s.giveUp();
      return zero(f, n.n);
    }
    entry(f, e, version);
    n = n.minus(e.wide);
  }
}

/** entry passes one description: fields that depend on the kind of track, then boxes. */
function entry(f: IsoFile, e: IsoBox, version: number): void {
  const fields = f.kind === 'soun' ? soundFields(f, e, version) : pictureFields(f, e);
  if (fields > e.size) f.s.giveUp();
  pass(f, fields);
  walk(f, 'entry', e.wide.plus(-fields));
}

function pictureFields(f: IsoFile, e: IsoBox): number {
  const fields = 78;
  const p = f.s.peek(e.head + fields + 8);
  if (p.length < e.head + fields) return e.head + fields;
  const q = p.subarray(e.head);
  clear(f, q.subarray(0, 6));
  clear(f, q.subarray(12, 16));
  clear(f, q.subarray(42, 74));
  const depth = u16(q, 74) & 31;
  const table = u16(q, 76);
  if (table !== 0 || depth > 8 || depth === 0 || q.length < fields + 8) return e.head + fields;
  const first = u32(q, 78);
  const last = u16(q, 84);
  const n = e.head + fields + 8 + 8 * (last - Math.min(first, 256) + 1);
  return first > 255 || last > 255 || last < first || n > e.size ? e.head + fields : n;
}

function soundFields(f: IsoFile, e: IsoBox, version: number): number {
  const fields = e.head + 28;
  const p = f.s.peek(fields);
  if (p.length < fields) return fields;
  const q = p.subarray(e.head);
  clear(f, q.subarray(0, 6));
  clear(f, q.subarray(12, 16));
  if (version !== 0) return fields;
  switch (u16(q, 8)) {
    case 1:
      return fields + 16;
    case 2:
      return fields + 36;
  }
  return fields;
}

/** channels passes the channel layout, unless it is that of plain mono or stereo, which decoders assume. */
export function channels(f: IsoFile, b: IsoBox): void {
  const p = f.s.peek(b.head + 12);
  if (p.length < b.head + 12 || b.body.n < 12) f.s.giveUp();
  const tag = u32(p, b.head + 4);
  const bits = u32(p, b.head + 8);
  const plain = tag === 1 << 16 ? bits === 4 || bits === 3 : tag === ((100 << 16) | 1) || tag === ((101 << 16) | 2);
  if (plain) drop(f, b, isoQuiet);
  else pass(f, b.size);
}
