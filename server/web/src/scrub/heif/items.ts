import { Bytes, text } from '../bytes';
import { isoSplit } from '../isobmff/box';
import { Embedded, Preview } from '../words';
import { Heif, heifID, HeifRef } from './meta';
import { alpha } from './props';

/** readRefs reads the references in iref. */
export function readRefs(m: Heif, b: Bytes | undefined): boolean {
  if (!b) return true;
  if (b.length < 4 || b[0] > 1) return false;
  let ok = true;
  const boxes = isoSplit(b.subarray(4), (typ, body) => {
    if (typ === 'free') return;
    const r = readRef(typ, body, b);
    if (r) m.refs.push(r);
    else ok = false;
  });
  return boxes && ok;
}

function readRef(typ: string, body: Bytes, b: Bytes): HeifRef | undefined {
  const from = heifID(body, b, 0);
  const count = from && heifID(from[1], new Uint8Array(1), 0);
  if (!from || !count) return undefined;
  const r: HeifRef = { typ, from: from[0], to: [] };
  let rest = count[1];
  for (let n = count[0]; n > 0; n--) {
    const to = heifID(rest, b, 0);
    if (!to) return undefined;
    r.to.push(to[0]);
    rest = to[1];
  }
  rest.fill(0);
  return r;
}

/** choose marks the items that go. */
export function choose(m: Heif): void {
  const seeThrough = alpha(m);
  for (const r of m.refs) {
    const i = m.items.get(r.from);
    if (!i || i.gone || r.from === m.primary) continue;
    if (r.typ === 'thmb') {
      i.gone = true;
      m.f.s.found(Preview);
    } else if (r.typ === 'auxl' && !seeThrough.has(r.from)) {
      i.gone = true;
      m.f.s.found(Embedded);
    }
  }
  m.items.forEach((i) => {
    m.others = m.others || (i.unlisted && !(i.typ && text(i.typ, 0, 4) === 'skip'));
  });
  needed(m);
}

const heifDepth = 8;

/** needed keeps what a picture that stays is made of, and drops what only pictures that go are made of. */
function needed(m: Heif): void {
  const dimg = m.refs.filter((r) => r.typ === 'dimg');
  for (let round = 0; keepParts(m, dimg); round++) if (round === heifDepth) m.f.s.giveUp();
  for (let round = 0; dropParts(m, dimg); round++) if (round === heifDepth) m.f.s.giveUp();
}

/** keepParts keeps what a kept picture is made of (tiles, layers), one level per call. */
function keepParts(m: Heif, dimg: HeifRef[]): boolean {
  let more = false;
  for (const r of dimg) {
    const from = m.items.get(r.from);
    if (!from || from.gone) continue;
    for (const id of r.to) {
      const i = m.items.get(id);
      if (i && i.gone && !i.unlisted) {
        i.gone = false;
        more = true;
      }
    }
  }
  return more;
}

/**
 * dropParts drops parts that only removed pictures use, and auxiliary pictures (alpha, depth) of removed ones; one
 * level per call.
 */
function dropParts(m: Heif, dimg: HeifRef[]): boolean {
  let more = false;
  for (const r of m.refs) {
    const i = m.items.get(r.from);
    if (r.typ === 'auxl' && i && !i.gone && r.from !== m.primary && allGone(m, r.to)) i.gone = more = true;
  }
  const used = new Set([m.primary]);
  const unused = new Set<number>();
  for (const r of dimg) {
    const i = m.items.get(r.from);
    for (const id of r.to) (!i || i.gone ? unused : used).add(id);
  }
  unused.forEach((id) => {
    const i = m.items.get(id);
    if (i && !i.gone && !used.has(id)) i.gone = more = true;
  });
  return more;
}

function allGone(m: Heif, ids: number[]): boolean {
  return !ids.some((id) => {
    const i = m.items.get(id);
    return i && !i.gone;
  });
}
