import { Bytes, bytes, has, le32, putLE32 } from '../bytes';
import { flacNoteBlock, flacPadding, flacVorbisComment } from '../flac/block';
import { Stream } from '../stream';
import { noteWords, Other, Software } from '../words';
import { blankSpeex, OggCodec, oggFLAC, oggPacket } from './codec';
import { oggCRC } from './crc';
import {
  oggContinued,
  oggFirst,
  oggFlags,
  oggGranule,
  oggHeadLen,
  oggLast,
  oggSegs,
  oggSeq,
  oggSerial,
  oggSum,
} from './head';

/** An OggStream is one sound, picture or text of several that share a file. */
export interface OggStream {
  codec: OggCodec;
  serial: number; // its new number
  gone: number; // pages that were dropped
  packets: number; // that have begun
  open: boolean; // the last one goes on
  dropping: boolean; // and is being dropped
  sound: boolean; // FLAC: all headers have passed
}

/** rewrite passes a page without what has to go, or drops it if that leaves nothing. It reports whether there is one. */
export function rewrite(st: OggStream, s: Stream, page: Bytes): boolean {
  const n = page.length;
  const had = page[oggSegs];
  page = stays(st, s, page);
  if (had > 0 && page[oggSegs] === 0 && !(page[oggFlags] & (oggFirst | oggLast))) {
    st.gone++;
    s.skip(n);
    return false;
  }
  putLE32(page, oggSerial, st.serial);
  putLE32(page, oggSeq, le32(page, oggSeq) - st.gone);
  putLE32(page, oggSum, 0);
  putLE32(page, oggSum, oggCRC(page));
  if (page.length === n) s.copy(n); // the page was changed where it stands
  else {
    s.write(page);
    s.skip(n);
  }
  return true;
}

/** stays removes from a page the packets that go, or the pieces of them on it, and returns what is left of the page. */
function stays(st: OggStream, s: Stream, page: Bytes): Bytes {
  let segs = page.slice(oggHeadLen, oggHeadLen + page[oggSegs]);
  const body = page.subarray(oggHeadLen + segs.length);
  let goesOn = (page[oggFlags] & (oggContinued | oggFirst)) === oggContinued;
  if (st.open && st.dropping && !goesOn) s.giveUp();
  st.open = st.open && goesOn;

  let lens = oggHeadLen; // where the segments that stay end
  let from = 0; // in the body: what was looked at
  let to = 0; // in the body: what stays
  let ends = false;
  let changed = false;
  while (segs.length > 0) {
    const [n, size, whole] = oggPacket(segs);
    const instead = packet(st, s, body.subarray(from, from + size), whole, goesOn);
    if (instead === keep) {
      page.set(segs.subarray(0, n), lens);
      lens += n;
      body.copyWithin(to, from, from + size);
      to += size;
      ends = ends || whole;
    } else {
      changed = true;
      if (instead) {
        page[lens++] = instead.length;
        body.set(bytes(instead), to);
        to += instead.length;
        ends = true;
      } else page[oggFlags] &= ~oggContinued;
    }
    goesOn = false;
    segs = segs.subarray(n);
    from += size;
  }
  if (!changed) return page;
  page[oggSegs] = lens - oggHeadLen;
  oggFixGranule(page, ends);
  page.set(body.subarray(0, to), lens);
  return page.subarray(0, lens + to);
}

/** oggFixGranule makes the position of a page agree with whether a packet ends on it. */
function oggFixGranule(page: Bytes, ends: boolean): void {
  const g = page.subarray(oggGranule, oggGranule + 8);
  const none = g.every((c) => c === 0xff);
  if (page[oggSegs] !== 0 && ends === none) g.fill(ends ? 0 : 0xff);
}

/** keep says that a packet stays, instead of what is written in its place. */
const keep = true;
type Instead = string | true;

/** packet says what becomes of a packet, or of the piece of it that is on this page. */
function packet(st: OggStream, s: Stream, piece: Bytes, whole: boolean, goesOn: boolean): Instead {
  if (goesOn) {
    if (!st.open) {
      s.found(Other);
      return '';
    }
    st.open = !whole;
    return st.dropping ? '' : keep;
  }
  const instead = begins(st, s, piece, whole);
  if (instead !== keep && whole && piece.length < instead.length) s.giveUp();
  st.packets++;
  st.open = !whole;
  st.dropping = instead !== keep;
  return instead;
}

/** begins says what becomes of a packet that begins with piece. */
function begins(st: OggStream, s: Stream, piece: Bytes, whole: boolean): Instead {
  const c = st.codec;
  if (st.packets === 0) {
    blankSpeex(s, piece);
    return keep;
  }
  if (c === oggFLAC) return flac(st, s, piece, whole);
  if (has(piece, c.comments) && (c.comments !== '' || st.packets === 1)) {
    if (whole && is(piece, c.empty)) return keep;
    noteWords(s, piece.subarray(0, 4 << 10), Software);
    return c.empty;
  }
  if (st.packets === 1 || (st.packets === 2 && !has(piece, c.setup))) s.giveUp();
  return keep;
}

const is = (b: Bytes, s: string): boolean => b.length === s.length && has(b, s);

/** flac empties the metadata blocks of FLAC, one in a packet each. */
function flac(st: OggStream, s: Stream, piece: Bytes, whole: boolean): Instead {
  if (st.sound || piece[0] === 0xff) {
    st.sound = true;
    return keep;
  }
  if (piece.length < 4) s.giveUp();
  const typ = piece[0] & 0x7f;
  const last = piece[0] & 0x80;
  st.sound = last !== 0;
  const comment = typ === flacVorbisComment;
  const instead =
    String.fromCharCode((comment ? typ : flacPadding) | last) + (comment ? '\0\0\x08\0\0\0\0\0\0\0\0' : '\0\0\0');
  if (whole && is(piece, instead)) return keep;
  flacNoteBlock(s, typ, piece.subarray(0, 4 << 10));
  return instead;
}
