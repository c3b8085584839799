import { Wide } from '../wide';
import { IsoBox, isoHeader } from './box';
import { isoLook } from './edit';
import { IsoEdit, IsoFile } from './file';
import { isoBlank, isoCoded, isoDrop, isoGrammar, isoKeep, isoKids, isoSpecial } from './grammar';
import { checkMedia, coded, drop, note, pass, zero } from './pass';

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
    if (!b) f.s.giveUp();
    box(f, parent, b);
    n = n.minus(b.wide);
  }
  zero(f, n.n);
}

/** box passes one box as the grammar says. */
export function box(f: IsoFile, parent: string, b: IsoBox): void {
  const r = isoGrammar.get(parent + '/' + b.typ) || { do: isoDrop, says: '' };
  const action = b.typ === '\0\0\0\0' ? isoBlank : r.do;
  if (parent === '' && (action === isoDrop || action === isoBlank)) checkMedia(f, b);
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
  const pass = f.specials[b.typ];
  if (!pass) f.s.giveUp(); // a compressed moov
  pass(f, b);
}

/** keep passes a box of which edit says how much stays, or all of it stays. */
function keep(f: IsoFile, b: IsoBox, edit?: IsoEdit): void {
  const left = b.body.n;
  if (!edit) return pass(f, b.size);
  let n = edit(f, f.s.peek(b.head + Math.min(left, isoLook)).subarray(b.head));
  if (n < 0) f.s.giveUp();
  n = Math.min(n, left);
  pass(f, b.head + n);
  zero(f, left - n);
}
