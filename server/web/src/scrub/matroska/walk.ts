import { Bytes, index, notZero, text } from '../bytes';
import { Stream } from '../stream';
import { Wide } from '../wide';
import { noteNext, Other, Text } from '../words';
import { Ebml, ebmlEnd, ebmlHead, ebmlHeadLen, ebmlVoid, putVoid } from './ebml';
import {
  allowed,
  mkvCluster,
  mkvData,
  mkvDocType,
  mkvDrop,
  mkvEnds,
  mkvHeader,
  MkvKind,
  mkvMaster,
  mkvNumber,
  mkvSegment,
  mkvSpecial,
  mkvTags,
  mkvTells,
} from './table';

/** A Mkv is a Matroska or WebM file on its way through. No byte of it moves. */
export interface Mkv {
  s: Stream;
  special: (m: Mkv, e: Ebml) => void; // passes an element that has a function of its own
  tracks: Set<string>; // numbers of the tracks that stay
  codec: string; // of the track that is being passed
  media: number; // bytes of blocks that copyMedia has seen
  some: boolean; // a Segment has been seen
}

/** open passes a Segment or a Cluster, whose size may be unknown. */
export function open(m: Mkv, e: Ebml, end: Wide): void {
  checkEnd(m, e, end);
  if (e.size >= 0) end = ebmlEnd(e, m.s.pos);
  m.s.copy(e.head);
  children(m, e.id, end, e.size < 0);
}

/**
 * children passes the elements up to a position or, where the size of their parent is not known, up to one that cannot
 * be a child of it.
 */
function children(m: Mkv, parent: number, end: Wide, open: boolean): void {
  while (m.s.pos < end.n) {
    const b = m.s.peek(Math.min(ebmlHeadLen, end.n - m.s.pos));
    if (b.length === 0) return;
    const e = ebmlHead(b);
    if (!e) junk(m, parent, end.n, open);
    else if (
      open && ((parent === mkvCluster && mkvEnds.has(e.id)) || e.id === mkvHeader || e.id === mkvSegment)
    ) return;
    else element(m, allowed(parent, e.id), e, end);
  }
}

/** inside passes an element whose children are looked at. */
export function inside(m: Mkv, e: Ebml): void {
  const end = ebmlEnd(e, m.s.pos);
  m.s.copy(e.head);
  children(m, e.id, end, false);
}

/** element passes one element, or a Void in its place. */
export function element(m: Mkv, kind: MkvKind, e: Ebml, end: Wide): void {
  if (e.id === mkvCluster && kind === mkvSpecial) return cluster(m, e, end);
  checkEnd(m, e, end);
  if (e.size < 0) m.s.giveUp();
  switch (kind) {
    case mkvDrop:
      return voidElement(m, e);
    case mkvNumber:
      return number(m, e);
    case mkvData:
      m.s.copy(e.head + e.size);
      return;
    case mkvMaster:
      return inside(m, e);
    case mkvSpecial:
      return m.special(m, e);
  }
}

/** cluster passes a Cluster: a few seconds of all tracks. */
function cluster(m: Mkv, e: Ebml, end: Wide): void {
  if (m.tracks.size === 0) m.s.giveUp();
  open(m, e, end);
}

/** checkEnd gives up when an element is longer than its parent. */
function checkEnd(m: Mkv, e: Ebml, end: Wide): void {
  if (e.size >= 0 && end.less(ebmlEnd(e, m.s.pos))) m.s.giveUp();
}

/** number passes a number or a short name. More than 8 bytes could be hidden text: it gives up. */
function number(m: Mkv, e: Ebml): void {
  if (e.size > 8) m.s.giveUp();
  if (e.id === mkvDocType) {
    const name = mkvText(m.s.peek(e.head + e.size).subarray(e.head));
    if (name !== 'matroska' && name !== 'webm') m.s.giveUp();
  }
  m.s.copy(e.head + e.size);
}

/** mkvText is text without the zeros at its end. */
export function mkvText(b: Bytes): string {
  return text(b, 0, 256).replace(/\0+$/, '');
}

/** voidElement writes a Void in place of an element. */
export function voidElement(m: Mkv, e: Ebml): void {
  note(m, e);
  if (e.id !== ebmlVoid && !putVoid(e, m.s.peek(e.head))) m.s.giveUp();
  m.s.copy(e.head);
  m.s.zero(e.size);
}

export const mkvNote = 4 << 10;

/** note adds to the report what goes with an element. */
function note(m: Mkv, e: Ebml): void {
  const cls = mkvTells.get(e.id);
  if (e.id === mkvTags) noteNext(m.s, e.size, Text);
  else if (cls === undefined) m.s.found(Other);
  else if (cls !== '') m.s.found(cls);
}

export function noteJunk(m: Mkv, b: Bytes): void {
  if (notZero(b)) m.s.found(Other);
}

/** junk zeroes what is no element, as a damaged file has it. */
function junk(m: Mkv, parent: number, end: number, open: boolean): void {
  if (parent === mkvSegment || (parent === mkvCluster && open)) resync(m, end);
  else if (parent === mkvCluster) {
    noteJunk(m, m.s.peek(Math.min(mkvNote, end - m.s.pos)));
    m.s.zero(end - m.s.pos);
  } else if (m.s.peek(ebmlHeadLen).length < ebmlHeadLen) m.s.zeroRest();
  else m.s.giveUp();
}

/** resync zeroes at least one byte, and all up to the next Cluster. */
function resync(m: Mkv, end: number): void {
  while (m.s.pos < end) {
    const b = m.s.peek(Math.min(mkvNote, end - m.s.pos));
    noteJunk(m, b);
    if (b.length < 4) {
      m.s.zero(b.length);
      return;
    }
    const i = index(b, '\x1f\x43\xb6\x75', 1);
    if (i >= 0) {
      m.s.zero(i);
      return;
    }
    m.s.zero(b.length - 3);
  }
}
