import { Bytes, bytes, has, notZero } from '../bytes';
import { flac } from '../flac/flac';
import { id3Size, id3Valid } from '../id3';
import { Stream, streamWindow } from '../stream';
import { noteNext, noteWords, Other, Text } from '../words';
import { Mp3File, mp3Free, mp3Head } from './frame';
import { blankTags, cut, frame } from './inside';

const mp3Step = 32 << 10;

export function mp3(s: Stream): void {
  mp3Tags(s);
  if (has(s.peek(4), 'fLaC')) return flac(s);
  const m: Mp3File = { s, key: 0 };
  start(m);
  while (!s.end()) if (!frames(m)) resync(m);
}

/** mp3Tags drops the ID3v2 tags that a file begins with. */
function mp3Tags(s: Stream): void {
  for (;;) {
    const h = s.peek(10);
    if (!id3Valid(h)) return;
    let n = 10 + id3Size(h);
    if (h[5] & 0x10) n += 10;
    const want = Math.min(n, streamWindow);
    if (s.peek(want).length < want) s.giveUp();
    if (n > 10) noteNext(s, n, Text);
    s.skip(n);
  }
}

/** start finds the first frame. */
function start(m: Mp3File): void {
  const b = m.s.peek(streamWindow);
  if (b.length < 4 || mp3Free(b) || mp3Other(b)) m.s.giveUp();
  const h = mp3Head(b, 0);
  if (h && b.length < streamWindow && h.size >= b.length) return begin(m, h.key, b);
  const [i, key] = mp3Find(b, b.length < streamWindow);
  if (i < 0 || key === 0) m.s.giveUp();
  drop(m, b.subarray(0, i));
  begin(m, key, b.subarray(i));
}

/**
 * begin notes of which kind the frames are. Those of layers I and II, and what would be taken for MP4, keep an empty
 * ID3 tag in front, by which sniff knows them.
 */
function begin(m: Mp3File, key: number, b: Bytes): void {
  m.key = key;
  if (((key >> 8) & 6) !== 2 || has(b, 'ftyp', 4)) m.s.write(bytes('ID3\x04\0\0\0\0\0\0'));
}

/** mp3Other reports whether the file is of another kind, with tags in front. */
function mp3Other(b: Bytes): boolean {
  return (b[0] === 0xff && (b[1] & 0xf6) === 0xf0) || has(b, 'RIFF') || has(b, 'OggS');
}

/** frames passes frames for as long as each stands where the one before ends, and reports whether there were any. */
function frames(m: Mp3File): boolean {
  const b = m.s.peek(mp3Step);
  const atEnd = b.length < mp3Step;
  let n = 0;
  for (;;) {
    const h = mp3Head(b, n);
    if (!h) break;
    let end = n + h.size;
    if (h.key !== m.key || (!atEnd && end + 4 > b.length)) break;
    if (end > b.length) {
      end = n + cut(b.subarray(n));
      frame(m, b.subarray(n, end), h);
      const tail = b.length - end;
      m.s.copy(end);
      drop(m, m.s.peek(tail));
      return true;
    }
    const next = mp3Head(b, end);
    if (!next || next.key !== h.key) {
      blankTags(m, b.subarray(n, end), junkIn(b.subarray(end), atEnd));
    }
    frame(m, b.subarray(n, end), h);
    n = end;
  }
  m.s.copy(n);
  return n > 0;
}

/** junkIn returns the length of b if it is all that the input still has and none of it stays, or else 0. */
function junkIn(b: Bytes, atEnd: boolean): number {
  return atEnd && mp3Find(b, true)[1] === 0 ? b.length : 0;
}

/** drop drops b, which is no sound. */
function drop(m: Mp3File, b: Bytes): void {
  if (notZero(b)) noteWords(m.s, b.subarray(0, 4 << 10), Other);
  m.s.skip(b.length);
}

/** resync drops what is no frame, up to the next frame that another one follows (see mp3Find). */
function resync(m: Mp3File): void {
  for (;;) {
    const b = m.s.peek(mp3Step);
    const [i, key] = mp3Find(b, b.length < mp3Step);
    drop(m, b.subarray(0, i < 0 ? b.length : i));
    if (key !== 0) {
      m.key = key;
      return;
    }
    if (b.length < mp3Step) return;
  }
}

/**
 * mp3Find finds a frame in b that another one follows, or the end, and its key; or no key, and from where to look
 * again, or -1.
 */
function mp3Find(b: Bytes, atEnd: boolean): [number, number] {
  for (let at = 0; ; at++) {
    at = b.indexOf(0xff, at);
    if (at < 0) return [-1, 0];
    if (b.length - at < 4) return [atEnd ? -1 : at, 0];
    const h = mp3Head(b, at);
    if (!h) continue;
    const end = at + h.size;
    if (end + 4 > b.length) {
      if (!atEnd) return [at, 0];
      if (end === b.length) return [at, h.key];
      continue;
    }
    const next = mp3Head(b, end);
    if (next && next.key === h.key) return [at, h.key];
  }
}
