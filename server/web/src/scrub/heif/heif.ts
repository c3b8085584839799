import { bytes, Bytes, has, text, u32 } from '../bytes';
import { IsoBox, isoFind, isoSplit } from '../isobmff/box';
import { isoHdlr } from '../isobmff/edit';
import { IsoFile } from '../isobmff/file';
import { checkMedia, drop } from '../isobmff/pass';
import { Other } from '../words';
import { hide, hideIdat, noteExtents, readExtents } from './extents';
import { choose, readRefs } from './items';
import { free, Heif, heifID, HeifItem } from './meta';
import { editProps, readProps } from './props';

const heifLargest = 1 << 20;

const heifTypes = ['hvc1', 'hev1', 'lhv1', 'av01', 'avc1', 'vvc1', 'j2k1', 'grid', 'iovl', 'iden'];

/** meta passes a box of type meta: the one that describes pictures; any other is dropped. */
export function meta(f: IsoFile, b: IsoBox): void {
  const p = f.s.peek(Math.min(b.size, 4 << 10));
  const hdlr = isoFind(p.subarray(b.head + 4), b.body.plus(-4), 'hdlr');
  if (!hdlr || hdlr.length < 12 || !has(hdlr, 'pict', 8)) {
    if (f.image) f.s.giveUp();
    checkMedia(f, b);
    return drop(f, b, Other);
  }
  if (b.size > heifLargest) f.s.giveUp();
  const whole = f.s.peek(b.size).slice();
  if (whole.length < b.size) f.s.giveUp();
  const m: Heif = {
    f,
    boxes: new Map(),
    idat: 0,
    primary: 0,
    items: new Map(),
    refs: [],
    extents: [],
    props: [],
    links: [],
    others: false,
  };
  const inside = whole.subarray(b.head + 4);
  if (!read(m, inside, f.s.pos + b.head + 4)) f.s.giveUp();
  choose(m);
  if (!edit(m, inside)) f.s.giveUp();
  f.index = true;
  f.s.skip(b.size);
  f.s.write(whole);
  noteExtents(m);
  hide(m);
}

/** read parses all that choosing and editing need. Nothing changes yet. */
function read(m: Heif, b: Bytes, at: number): boolean {
  let once = true;
  const ok = isoSplit(b, (typ, body) => {
    if (m.boxes.has(typ) && typ !== 'free' && typ !== 'uuid') once = false;
    m.boxes.set(typ, body);
  });
  if (!ok || !once) return false;
  const get = (typ: string): Bytes | undefined => m.boxes.get(typ);
  const idat = get('idat');
  if (idat) {
    m.idat = at + idat.byteOffset - b.byteOffset;
    m.f.media = true;
  }
  return readItems(m, get('iinf')) && readPrimary(m, get('pitm')) && readExtents(m, get('iloc')) &&
    readRefs(m, get('iref')) && readProps(m, get('iprp'));
}

/** readPrimary finds the item that is shown. It has to be of one of heifTypes. */
function readPrimary(m: Heif, b: Bytes | undefined): boolean {
  if (!b) return true;
  const head = heifID(b.subarray(4), b, 0);
  if (!head) return false;
  m.primary = head[0];
  const i = m.items.get(m.primary);
  return !!i && !i.unlisted;
}

/** readItems reads the list of items. */
function readItems(m: Heif, b: Bytes | undefined): boolean {
  const head = b && heifID(b.subarray(4), b, 0);
  if (!head) return false;
  let ok = true;
  const boxes = isoSplit(head[1], (typ, body) => {
    if (typ === 'infe') ok = ok && readItem(m, body);
  });
  return boxes && ok;
}

/** readItem reads one item (infe). Versions 0 and 1 are for files with a media type, not pictures. */
function readItem(m: Heif, b: Bytes): boolean {
  const head = heifID(b.subarray(4), b, 2);
  if (!head || m.items.has(head[0])) return false;
  const i: HeifItem = { typ: undefined, gone: true, unlisted: true };
  m.items.set(head[0], i);
  if (b[0] < 2) return true;
  if (head[1].length < 6) return false;
  i.typ = head[1].subarray(2, 6);
  i.gone = i.unlisted = heifTypes.indexOf(text(i.typ, 0, 4)) < 0;
  return true;
}

/** edit removes from the boxes of meta what choose marked as gone. */
function edit(m: Heif, b: Bytes): boolean {
  let ok = true;
  isoSplit(b, (typ, body, name) => {
    switch (typ) {
      case 'hdlr':
        body.fill(0, isoHdlr(m.f, body));
        break;
      case 'pitm':
        body.fill(0, 6 + 2 * Math.min(body[0], 1));
        break;
      case 'iinf':
        editItems(m, body);
        break;
      case 'dinf':
        editDinf(m, body);
        break;
      case 'iprp':
        ok = ok && editProps(m, body);
        break;
      case 'grpl':
        editGroups(m, name, body);
        break;
      case 'iloc':
      case 'iref':
      case 'idat':
        break;
      default:
        free(m, name, body);
    }
  });
  return ok && hideIdat(m);
}

/** editItems clears the names of all items, and gives those that go the type skip. */
function editItems(m: Heif, b: Bytes): void {
  const head = heifID(b.subarray(4), b, 0);
  if (!head) return;
  isoSplit(head[1], (typ, body, name) => {
    if (typ !== 'infe') return free(m, name, body);
    const id = heifID(body.subarray(4), body, 2);
    const i = id && m.items.get(id[0]);
    if (!id || !i) return;
    if (i.gone && i.typ) i.typ.set(bytes('skip'));
    id[1].fill(0, i.typ ? 6 : 0);
  });
}

/** editDinf clears the data references: addresses of other files. */
function editDinf(m: Heif, b: Bytes): void {
  isoSplit(b, (typ, body, name) => {
    if (typ !== 'dref' || body.length < 8) return free(m, name, body);
    isoSplit(body.subarray(8), (_, body) => body.fill(0, 4));
  });
}

/** editGroups keeps those groups of pictures that name only what stays. */
function editGroups(m: Heif, name: Bytes, b: Bytes): void {
  const boxes = isoSplit(b, (typ, body, name) => {
    if (!group(m, typ, body)) free(m, name, body);
  });
  if (!boxes) free(m, name, b);
}

function group(m: Heif, typ: string, b: Bytes): boolean {
  if ((typ !== 'altr' && typ !== 'ster') || b.length < 12) return false;
  const n = u32(b, 8);
  b = b.subarray(12);
  if (n > Math.floor(b.length / 4)) return false;
  for (let i = 0; i < n; i++) {
    const it = m.items.get(u32(b, 4 * i));
    if (!it || it.gone) return false;
  }
  b.fill(0, 4 * n);
  return true;
}
