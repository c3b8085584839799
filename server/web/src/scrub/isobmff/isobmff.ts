import { copyMedia } from '../encoder';
import { meta } from '../heif/heif';
import { sniff, SniffLen } from '../sniff';
import { all, Stream } from '../stream';
import { Wide, wideMax } from '../wide';
import { Other } from '../words';
import { IsoBox, isoHeader } from './box';
import { channels, stsd } from './entry';
import { IsoFile, IsoSpecials } from './file';
import { fragment, traf } from './fragment';
import { isoGrammar } from './grammar';
import { counted, note, pass } from './pass';
import { gpsList, offsets, trak } from './track';
import { box, walk } from './walk';

export function isobmff(s: Stream): void {
  const zero = new Wide(0);
  const f: IsoFile = {
    s,
    specials,
    image: sniff(s.peek(SniffLen)).slice(0, 6) === 'image/',
    index: false,
    media: false,
    short: false,
    cut: false,
    reach: zero,
    kind: '',
    tracks: new Map(),
    drops: false,
    moof: 0,
    next: zero,
  };
  while (!s.end()) top(f);
  if (!f.index || f.cut) s.giveUp();
}

/** top passes one box of the file itself, or the junk in its place. */
function top(f: IsoFile): void {
  const b = isoHeader(f.s.peek(16), wideMax);
  if (b && (isoGrammar.has('/' + b.typ) || plausible(f, b))) box(f, '', b);
  else junk(f);
}

/**
 * plausible reports whether an unlisted header looks like a real box: a printable type, and a size that fits the file.
 */
function plausible(f: IsoFile, b: IsoBox): boolean {
  const look = 32 << 10;
  if (!/^[ -~\xa9]*$/.test(b.typ)) return false;
  const n = Math.min(b.size, look);
  return f.s.peek(n).length === n;
}

/** junk removes what follows the last box. It gives up where media may still follow. */
function junk(f: IsoFile): void {
  if (!f.index || !f.media || f.reach.n >= f.s.pos) f.s.giveUp();
  note(f, all, Other);
  f.s.zeroRest();
}

function moov(f: IsoFile, b: IsoBox): void {
  f.index = true;
  f.short = false;
  pass(f, b.head);
  walk(f, 'moov', b.body);
  f.cut = f.cut || f.short;
}

function mdat(f: IsoFile, b: IsoBox): void {
  f.media = true;
  pass(f, b.head);
  copyMedia(f.s, b.body.n);
}

function dref(f: IsoFile, b: IsoBox): void {
  counted(f, b);
  walk(f, 'dref', b.body.plus(-8));
}

// The walk gets these functions with the file. Imported, they would make a circle, since they walk on into their boxes.
const specials: IsoSpecials = {
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
