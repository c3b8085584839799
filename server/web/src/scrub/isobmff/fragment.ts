import { Bytes, u32 } from '../bytes';
import { Wide, wideFar, wideMin } from '../wide';
import { Embedded } from '../words';
import { IsoBox, isoFind, isoInt, isoSplit } from './box';
import { IsoFile, IsoTrack } from './file';
import { drop, pass } from './pass';
import { ahead } from './track';
import { walk } from './walk';

const nowhere = new Wide(-1);

/** fragment passes a moof, which describes the samples of a piece of a movie. */
export function fragment(f: IsoFile, b: IsoBox): void {
  if (!f.index) f.s.giveUp();
  f.moof = f.s.pos;
  f.next = new Wide(f.moof);
  pass(f, b.head);
  walk(f, 'moof', b.body);
}

/** traf passes what a fragment has of one track, or drops it and hides its samples. */
export function traf(f: IsoFile, b: IsoBox): void {
  if (f.drops) {
    const tfhd = ahead(f, b, 'tfhd');
    if (!tfhd || tfhd.length < 8) f.s.giveUp();
    const t = f.tracks.get(u32(tfhd, 4)) || { dropped: false, size: 0 };
    let whole = false;
    if (b.size <= f.s.maxWindow) {
      const p = f.s.peek(b.size);
      whole = p.length === b.size && runs(f, p.subarray(b.head), { ...t });
    }
    if (!whole) f.next = nowhere;
    if (t.dropped) {
      f.s.partly = f.s.partly || !whole;
      return drop(f, b, Embedded);
    }
  }
  pass(f, b.head);
  walk(f, 'traf', b.body);
}

/** runs finds the samples of a track in a fragment, and reports whether it could tell where they are. */
function runs(f: IsoFile, traf: Bytes, t: IsoTrack): boolean {
  const tfhd = isoFind(traf, new Wide(traf.length), 'tfhd') as Bytes;
  const flags = u32(tfhd, 0);
  let fields = tfhd.subarray(8);
  let base = flags & 0x20000 ? new Wide(f.moof) : f.next;
  for (const [flag, size] of [
    [1, 8],
    [2, 4],
    [8, 4],
    [0x10, 4],
  ]) {
    if (!(flags & flag)) continue;
    if (fields.length < size) return false;
    const v = isoInt(fields.subarray(0, size));
    if (flag === 1) base = v;
    if (flag === 0x10) t.size = v.n;
    fields = fields.subarray(size);
  }
  let ok = base.n >= 0;
  f.next = base;
  const boxes = isoSplit(traf, (typ, body) => {
    if (typ === 'trun') ok = ok && trun(f, body, base, t);
  });
  return boxes && ok;
}

/** trun does runs for one run of samples. */
function trun(f: IsoFile, b: Bytes, base: Wide, t: IsoTrack): boolean {
  if (b.length < 8) return false;
  const flags = u32(b, 0);
  const count = u32(b, 4);
  b = b.subarray(8);
  if (flags & 1) {
    if (b.length < 4) return false;
    f.next = base.plus(u32(b, 0) | 0);
    b = b.subarray(4);
  }
  if (flags & 4) b = b.subarray(Math.min(4, b.length));
  const [n, ok] = isoRunSize(b, flags, count, t.size);
  if (f.next.n < 0 || !f.next.less(new Wide(2 ** 62))) return false;
  if (t.dropped) f.s.hide(f.next.n, n.n);
  f.next = f.next.plus(n.n, n.low);
  return ok;
}

/** isoRunSize is the length of the samples in a run, whose entries have a field for each flag. */
function isoRunSize(b: Bytes, flags: number, count: number, size: number): [Wide, boolean] {
  if (!(flags & 0x200)) return [wideMin(new Wide(count * size, Math.imul(count, size)), wideFar), true];
  const at = flags & 0x100 ? 4 : 0;
  const width = at + 4 + (flags & 0x400 ? 4 : 0) + (flags & 0x800 ? 4 : 0);
  let sum = 0;
  let i = 0;
  for (; count > 0 && b.length - i >= width; count--, i += width) sum += u32(b, i + at);
  return [new Wide(sum), count === 0];
}
