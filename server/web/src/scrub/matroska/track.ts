import { Bytes, has, none, notZero, putLE32 } from '../bytes';
import { copyMedia } from '../encoder';
import { flacHeadLen, flacPadding, flacStreamInfo, flacStreamInfoLen } from '../flac/block';
import { blankSpeex, opusHeadLen, speexLen } from '../ogg/codec';
import { streamWindow } from '../stream';
import { Embedded, IDs, noteWords, Other, Software, Text } from '../words';
import { Ebml, ebmlEach, ebmlNumber } from './ebml';
import { mkvCodecID, mkvTrackNumber, mkvTrackType } from './table';
import { inside, Mkv, mkvNote, mkvText, noteJunk, voidElement } from './walk';

const mkvMaxTracks = 255;

/** trackEntry passes what describes a picture or a sound. Tracks of any other type become Void. */
export function trackEntry(m: Mkv, e: Ebml): void {
  const b = m.s.peek(e.head + e.size);
  const values = new Map<number, Bytes>();
  let twice = false;
  ebmlEach(b.subarray(e.head), (c, payload) => {
    if (c.id !== mkvTrackNumber && c.id !== mkvTrackType && c.id !== mkvCodecID) return;
    twice = twice || values.has(c.id);
    values.set(c.id, payload);
  });
  if (twice) m.s.giveUp();
  const get = (id: number): Bytes => values.get(id) || none;
  const number = ebmlNumber(get(mkvTrackNumber));
  const typ = ebmlNumber(get(mkvTrackType));
  m.codec = mkvText(get(mkvCodecID));
  if ((typ !== '\x01' && typ !== '\x02') || number === '') {
    const subtitles = '\x11';
    m.s.found(typ === subtitles ? Text : Embedded);
    return voidElement(m, e);
  }
  if (m.tracks.has(number) || m.tracks.size >= mkvMaxTracks) m.s.giveUp();
  m.tracks.add(number);
  inside(m, e);
}

/** trackUID overwrites a random number with the ordinal of the track. */
export function trackUID(m: Mkv, e: Ebml): void {
  if (e.size > 8) m.s.giveUp();
  const b = m.s.peek(e.head + e.size).subarray(e.head);
  const was = ebmlNumber(b);
  b.fill(0);
  if (b.length > 0 && b.length === e.size) b[b.length - 1] = m.tracks.size;
  if (was !== ebmlNumber(b)) m.s.found(IDs);
  m.s.copy(e.head + e.size);
}

/**
 * codecID passes the name of a codec. What is not spelled like one may be text, or a name that a decoder reads in
 * another way than we do: some stop at the first zero byte.
 */
export function codecID(m: Mkv, e: Ebml): void {
  const longest = 64;
  if (e.size > longest) m.s.giveUp();
  if (!/^[A-Z0-9_/]*$/.test(mkvText(m.s.peek(e.head + e.size).subarray(e.head)))) m.s.giveUp();
  m.s.copy(e.head + e.size);
}

/** codecPrivate passes what a decoder needs before the first block. Some codecs keep comments in it. */
export function codecPrivate(m: Mkv, e: Ebml): void {
  let fix: (m: Mkv, b: Bytes) => boolean;
  switch (m.codec) {
    case 'A_VORBIS':
    case 'V_THEORA':
      fix = xiphPrivate;
      break;
    case 'A_FLAC':
      fix = flacPrivate;
      break;
    case 'A_OPUS':
      fix = opusPrivate;
      break;
    case 'A_SPEEX':
      fix = speexPrivate;
      break;
    default:
      m.s.copy(e.head);
      copyMedia(m.s, e.size);
      return;
  }
  if (e.size > streamWindow) m.s.giveUp();
  const b = m.s.peek(e.head + e.size).subarray(e.head);
  if (b.length < e.size) return voidElement(m, e);
  if (!fix(m, b)) m.s.giveUp();
  m.s.copy(e.head + e.size);
}

/** xiphPrivate empties the second of three packets, the comments. They stand in Xiph lacing. */
function xiphPrivate(m: Mkv, b: Bytes): boolean {
  if (b[0] !== 2) return false;
  let at = 1;
  const lens = [0, 0];
  for (let i = 0; i < 2; i++) {
    for (;;) {
      if (at >= b.length) return false;
      const c = b[at++];
      lens[i] += c;
      if (c < 255) break;
    }
  }
  const from = at + lens[0];
  const to = from + lens[1];
  if (to > b.length) return false;
  const first = b.subarray(at, from);
  const third = b.subarray(to);
  const vorbis = first.length === 30 && has(first, '\x01vorbis') && has(third, '\x05vorbis');
  const theora = first.length === 42 && has(first, '\x80theora') && has(third, '\x82theora');
  return (vorbis || theora) && blankComments(m, b.subarray(from, to));
}

/** blankComments takes the comments out of a comment header of Vorbis or Theora. */
function blankComments(m: Mkv, b: Bytes): boolean {
  const magic = 7;
  const vorbis = has(b, '\x03vorbis');
  if (!vorbis && !has(b, '\x81theora')) return false;
  const room = b.length - magic - 4 - 4 - (vorbis ? 1 : 0);
  if (room < 0) return false;
  const was = b.slice(magic, magic + mkvNote);
  const v = b.subarray(magic);
  putLE32(v, 0, room);
  v.fill(0x20, 4, 4 + room);
  putLE32(v, 4 + room, 0);
  if (vorbis) b[b.length - 1] = 1;
  if (was.some((c, i) => c !== v[i])) noteWords(m.s, was, Software);
  return true;
}

/** flacPrivate makes padding of all metadata blocks of a FLAC file but the first. */
function flacPrivate(m: Mkv, b: Bytes): boolean {
  if (b.length < flacHeadLen || !has(b, 'fLaC') || (b[4] & 0x7f) !== flacStreamInfo) return false;
  if (b[5] || b[6] || b[7] !== flacStreamInfoLen) return false;
  for (b = b.subarray(flacHeadLen); b.length > 0; ) {
    if (b.length < 4) return false;
    const n = (b[1] << 16) | (b[2] << 8) | b[3];
    if (n > b.length - 4) return false;
    const content = b.subarray(4, 4 + n);
    if (notZero(content)) noteWords(m.s, content.subarray(0, mkvNote), Other);
    b[0] = (b[0] & 0x80) | flacPadding;
    content.fill(0);
    b = b.subarray(4 + n);
  }
  return true;
}

/** opusPrivate zeroes what follows the header of Opus. */
function opusPrivate(m: Mkv, b: Bytes): boolean {
  const n = opusHeadLen(b);
  if (n === 0 || n > b.length) return false;
  noteJunk(m, b.subarray(n));
  b.fill(0, n);
  return true;
}

/** speexPrivate blanks the version of the encoder, and zeroes what follows the header. */
function speexPrivate(m: Mkv, b: Bytes): boolean {
  if (!blankSpeex(m.s, b)) return false;
  noteJunk(m, b.subarray(speexLen));
  b.fill(0, speexLen);
  return true;
}
