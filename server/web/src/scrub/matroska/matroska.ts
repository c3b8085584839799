import { u32 } from '../bytes';
import { Stream } from '../stream';
import { wideMax } from '../wide';
import { block, blockGroup } from './cluster';
import { Ebml, ebmlEach, ebmlHead, ebmlHeadLen, ebmlVoid } from './ebml';
import {
  allowed,
  mkvBlock,
  mkvBlockGroup,
  mkvCodecID,
  mkvCodecPrivate,
  mkvDrop,
  mkvEnds,
  mkvHeader,
  mkvMaster,
  mkvSeek,
  mkvSeekID,
  mkvSegment,
  mkvSimpleBlock,
  mkvTrackEntry,
  mkvTrackUID,
} from './table';
import { codecID, codecPrivate, trackEntry, trackUID } from './track';
import { element, inside, Mkv, mkvNote, noteJunk, open, voidElement } from './walk';

export function matroska(s: Stream): void {
  const m: Mkv = { s, special, tracks: new Set(), codec: '', media: 0, some: false };
  while (!s.end()) top(m);
}

/** top passes one element outside of all others. */
function top(m: Mkv): void {
  const e = ebmlHead(m.s.peek(ebmlHeadLen));
  if (e && e.id === mkvHeader) {
    m.tracks.clear();
    element(m, mkvMaster, e, wideMax);
  } else if (e && e.id === mkvSegment) {
    m.some = true;
    m.tracks.clear();
    open(m, e, wideMax);
  } else if (e && m.some && mkvEnds.has(e.id)) {
    element(m, allowed(mkvSegment, e.id), e, wideMax);
  } else if (e && e.id === ebmlVoid && e.size >= 0) {
    voidElement(m, e);
  } else if (m.some) {
    noteJunk(m, m.s.peek(mkvNote));
    m.s.zeroRest();
  } else m.s.giveUp();
}

/** special passes an element that has a function of its own. The walk gets it with the file: imported, it would make a
 * circle, since these functions walk on into the element's children. */
function special(m: Mkv, e: Ebml): void {
  switch (e.id) {
    case mkvSeek:
      return seek(m, e);
    case mkvTrackEntry:
      return trackEntry(m, e);
    case mkvTrackUID:
      return trackUID(m, e);
    case mkvCodecID:
      return codecID(m, e);
    case mkvCodecPrivate:
      return codecPrivate(m, e);
    case mkvSimpleBlock:
    case mkvBlock:
      return block(m, e);
    case mkvBlockGroup:
      return blockGroup(m, e);
  }
}

/** seek passes an entry of the SeekHead, unless it points to an element that goes. */
function seek(m: Mkv, e: Ebml): void {
  const b = m.s.peek(Math.min(64, e.head + e.size));
  let stays = false;
  ebmlEach(b.subarray(e.head), (c, p) => {
    if (c.id === mkvSeekID && p.length === 4) stays = allowed(mkvSegment, u32(p, 0)) !== mkvDrop;
  });
  if (stays) inside(m, e);
  else voidElement(m, e);
}
