import { bytes, notZero } from '../bytes';
import { copyMedia } from '../encoder';
import { noteWords, Other } from '../words';
import { IsoBox } from './box';
import { IsoFile } from './file';

/** isoQuiet marks boxes that reveal nothing: the report does not mention them. */
export const isoQuiet = 'nothing';

/** pass copies n bytes as they are, without zeroing hidden spans: a false table of samples could point at boxes. */
export function pass(f: IsoFile, n: number): void {
  f.s.pinned = true;
  f.short = f.s.copy(n) < n || f.short;
  f.s.pinned = false;
}

/** coded is pass for boxes in which encoders leave a signature. */
export function coded(f: IsoFile, n: number): void {
  f.s.pinned = true;
  f.short = copyMedia(f.s, n) < n || f.short;
  f.s.pinned = false;
}

export function zero(f: IsoFile, n: number): void {
  f.short = f.s.zero(n) < n || f.short;
}

/** checkMedia gives up if zeroing this box of the file itself would destroy samples that a kept track points at. */
export function checkMedia(f: IsoFile, b: IsoBox): void {
  const rel = f.reach.plus(-f.s.pos);
  if (rel.n > 0 && rel.less(b.wide)) f.s.giveUp();
}

/** drop passes a box as free space. */
export function drop(f: IsoFile, b: IsoBox, cls: string): void {
  note(f, b.size, cls);
  f.s.peek(8).set(bytes('free'), 4);
  pass(f, b.head);
  zero(f, b.body.n);
}

/** note notes what the next box of n bytes tells, unless it is empty. */
export function note(f: IsoFile, n: number, cls: string): void {
  const p = f.s.peek(Math.min(n, 4 << 10));
  if (cls === isoQuiet || p.length < 4 || !notZero(p.subarray(8))) return;
  noteWords(f.s, p.subarray(4), cls || Other);
}

/** counted passes the header of a list: version, flags, count. */
export function counted(f: IsoFile, b: IsoBox): void {
  if (b.body.n < 8) f.s.giveUp();
  pass(f, b.head + 8);
}
