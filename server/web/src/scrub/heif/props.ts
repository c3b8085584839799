import { Bytes, text, u16, u32 } from '../bytes';
import { blankEncoder } from '../encoder';
import { isoSplit } from '../isobmff/box';
import { isoColr, isoFirst, isoLook, isoString } from '../isobmff/edit';
import { IsoEdit } from '../isobmff/file';
import { Software } from '../words';
import { free, Heif, heifID, HeifProp } from './meta';

const isoPixi: IsoEdit = (_, p) => (p.length < 5 ? -1 : 5 + p[4]);

const heifAlpha = [
  'urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0',
  'urn:mpeg:hevc:2015:auxid:1\0',
  'urn:mpeg:avc:2015:auxid:1\0',
];

/** isoAuxC keeps the type of a picture that is the transparency of another; maps of depth or brightness go. */
const isoAuxC: IsoEdit = (_, p) => {
  const name = isoString(p.subarray(4));
  return p.length >= 4 && heifAlpha.indexOf(text(name, 0, name.length)) >= 0 ? 4 + name.length : -1;
};

/** heifProps are the properties that stay, as far as their edits say. */
const heifProps: { [typ: string]: IsoEdit | null } = {
  pixi: isoPixi,
  colr: isoColr,
  irot: isoFirst(1),
  imir: isoFirst(1),
  a1op: isoFirst(1),
  lsel: isoFirst(2),
  clli: isoFirst(4),
  pasp: isoFirst(8),
  amve: isoFirst(8),
  ispe: isoFirst(12),
  rloc: isoFirst(12),
  iscl: isoFirst(12),
  mdcv: isoFirst(24),
  clap: isoFirst(32),
  auxC: isoAuxC,
};
for (const typ of 'hvcC av1C avcC lhvC vvcC j2kH cclv a1lx'.split(' ')) heifProps[typ] = null;

/** readProps reads the properties and which items have them. */
export function readProps(m: Heif, b: Bytes | undefined): boolean {
  if (!b) return true;
  let ok = true;
  let seen = 0;
  const boxes = isoSplit(b, (typ, body) => {
    switch (typ) {
      case 'ipco':
        seen++;
        ok = ok && isoSplit(body, (typ, body) => m.props.push(readProp(m, typ, body)));
        break;
      case 'ipma':
        ok = ok && readLinks(m, body);
    }
  });
  return boxes && ok && seen <= 1;
}

function readProp(m: Heif, typ: string, body: Bytes): HeifProp {
  const edit = heifProps[typ];
  const gone = edit === undefined || (edit !== null && edit(m.f, body.subarray(0, isoLook)) <= 0);
  return { typ, gone, alpha: typ === 'auxC' && !gone };
}

/** readLinks reads one list of which items have which properties. */
function readLinks(m: Heif, b: Bytes): boolean {
  if (b.length < 8) return false;
  const wide = b[3] & 1 ? 2 : 1;
  let rest = b.subarray(8);
  for (let count = u32(b, 4); count > 0; count--) {
    const head = heifID(rest, b, 0);
    if (!head || head[1].length === 0) return false;
    rest = head[1].subarray(1);
    for (let n = head[1][0]; n > 0; n--) {
      if (rest.length < wide) return false;
      const v = wide === 2 ? u16(rest, 0) : ((rest[0] & 0x80) << 8) | (rest[0] & 0x7f);
      m.links.push({ item: head[0], essential: v >> 15 !== 0, prop: v & 0x7fff, in: rest.subarray(0, wide) });
      rest = rest.subarray(wide);
    }
  }
  rest.fill(0);
  return true;
}

/** alpha returns the items that are the transparency of another. */
export function alpha(m: Heif): Set<number> {
  const some = new Set<number>();
  for (const l of m.links) {
    const p = m.props[l.prop - 1];
    if (p && p.alpha) some.add(l.item);
  }
  return some;
}

/**
 * editProps clears the properties that go and the links to them. It returns false if one is essential to a picture
 * that stays.
 */
export function editProps(m: Heif, b: Bytes): boolean {
  for (const l of m.links) {
    const p = m.props[l.prop - 1];
    if (!p || !p.gone) continue;
    const i = m.items.get(l.item);
    if (l.essential && i && !i.gone && p.typ !== 'free') return false;
    l.in.fill(0);
  }
  isoSplit(b, (typ, body, name) => {
    let next = 0;
    if (typ === 'ipco') isoSplit(body, (_, body, name) => editProp(m, m.props[next++], name, body));
    else if (typ !== 'ipma') free(m, name, body);
  });
  return true;
}

function editProp(m: Heif, p: HeifProp, name: Bytes, body: Bytes): void {
  if (p.gone) return free(m, name, body);
  const edit = heifProps[p.typ];
  if (edit) body.fill(0, Math.min(edit(m.f, body.subarray(0, isoLook)), body.length));
  if (blankEncoder(body, body.length)) m.f.s.found(Software);
}
