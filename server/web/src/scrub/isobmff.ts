import { Stream, all } from './stream';
import { copyMedia } from './encoder';
import { box, IsoBox, isoHeader, note, pass, walk } from './isobmff_box';
import { isoGrammar } from './isobmff_grammar';
import { IsoTrack } from './isobmff_track';
import { sniff, SniffLen } from './sniff';
import { Wide, wideMax } from './wide';
import { Other } from './words';

/** An IsoFile is a file of the ISO base media family on its way through. */
export interface IsoFile {
  s: Stream;
  image: boolean; // by its brand a HEIC or AVIF
  index: boolean; // what says where the media are was seen
  media: boolean; // media were seen
  short: boolean; // the box being passed ended too early
  cut: boolean; // the file ends within moov
  reach: Wide; // the last position that anything kept starts at
  kind: string; // the handler of the track being passed
  tracks: Map<number, IsoTrack>;
  drops: boolean; // some track is dropped
  moof: number; // where the fragment being passed starts
  next: Wide; // where its next run of samples starts, or -1
}

export function isobmff(s: Stream): void {
  const zero = new Wide(0);
  const f: IsoFile = {
    s,
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
  if (!f.index || f.cut) s.unknown();
}

/** top passes one box of the file itself, or the junk in its place. */
function top(f: IsoFile): void {
  const b = isoHeader(f.s.peek(16), wideMax);
  if (b && (isoGrammar.has('/' + b.typ) || stranger(f, b))) box(f, '', b);
  else junk(f);
}

/** stranger reports whether what claims to be a box of a type that we do not know may well be one. */
function stranger(f: IsoFile, b: IsoBox): boolean {
  const look = 32 << 10;
  if (!/^[ -~\xa9]*$/.test(b.typ)) return false;
  const n = Math.min(b.size, look);
  return f.s.peek(n).length === n;
}

/** junk removes what follows the last box. */
function junk(f: IsoFile): void {
  if (!f.index || !f.media || f.reach.n >= f.s.pos) f.s.unknown();
  note(f, all, Other);
  f.s.zeroRest();
}

export function moov(f: IsoFile, b: IsoBox): void {
  f.index = true;
  f.short = false;
  pass(f, b.head);
  walk(f, 'moov', b.body);
  f.cut = f.cut || f.short;
}

export function mdat(f: IsoFile, b: IsoBox): void {
  f.media = true;
  pass(f, b.head);
  copyMedia(f.s, b.body.n);
}
