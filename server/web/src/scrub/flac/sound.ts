import { apeHeadLen, apeMagic, apeValid } from '../ape';
import { Bytes, has, index, le32, text } from '../bytes';
import { id3Size, id3v1Len } from '../id3';
import { Stream, streamWindow } from '../stream';
import { noteNext, noteWords, Text } from '../words';

/** flacSound passes the sound, without the tags behind it. */
export function flacSound(s: Stream): void {
  let far = false; // sound before the window has been copied
  for (;;) {
    const b = s.peek(streamWindow);
    const i = apeTag(b);
    if (i >= 0) {
      flacEnd(s, b.subarray(0, i), far);
      return flacTags(s);
    } else if (b.length < streamWindow) {
      return flacEnd(s, b, far);
    } else {
      s.copy(streamWindow / 2);
      far = true;
    }
  }
}

/** apeTag returns where an APE tag begins that says at its front how long it is, or -1. */
function apeTag(b: Bytes): number {
  for (let at = 0; (at = index(b, apeMagic, at)) >= 0; at++) if (apeSize(b.subarray(at))) return at;
  return -1;
}

/** apeSize returns the length of the APE tag whose header b begins with, or 0. */
function apeSize(b: Bytes): number {
  const isHeader = 1 << 29;
  return b.length >= apeHeadLen && apeValid(b) && le32(b, 20) & isHeader ? apeHeadLen + le32(b, 12) : 0;
}

/** flacEnd passes b, which the sound ends with, but for tags at its end. */
function flacEnd(s: Stream, b: Bytes, far: boolean): void {
  let end = b.length;
  for (;;) {
    const n = tagAtEnd(b.subarray(0, end));
    if (n === 0) break;
    if (n > end) {
      s.partly = s.partly || far;
      break;
    }
    end -= n;
    noteWords(s, b.subarray(end, end + Math.min(n, 4 << 10)), Text);
  }
  if (end < b.length && end < id3v1Len && far) s.partly = true;
  s.copy(end);
  s.skip(b.length - end);
}

/** flacTags drops the tags that come next, to the end of the input, and gives up if something else is there. */
function flacTags(s: Stream): void {
  for (let n; (n = apeSize(s.peek(apeHeadLen))); ) {
    noteNext(s, n, Text);
    s.skip(n);
  }
  const b = s.peek(streamWindow);
  if (b.length === streamWindow) s.giveUp();
  for (let end = b.length; end > 0; ) {
    const n = tagAtEnd(b.subarray(0, end));
    if (n === 0 || n > end) s.giveUp();
    end -= n;
    noteWords(s, b.subarray(end, end + Math.min(n, 4 << 10)), Text);
  }
  s.skip(b.length);
}

/** tagAtEnd returns how long the tag is that b ends with, or 0. */
function tagAtEnd(b: Bytes): number {
  let n = b.length - id3v1Len;
  if (n >= 0 && has(b, 'TAG', n)) return id3v1Len;
  n = b.length - apeHeadLen;
  if (n >= 0 && apeValid(b.subarray(n))) {
    const hasHeader = b[n + 23] >> 7 ? apeHeadLen : 0;
    return Math.max(le32(b, n + 12) + hasHeader, apeHeadLen);
  }
  n = b.length - 10;
  if (n >= 0 && has(b, '3DI', n) && b[n + 3] !== 0xff) return id3Size(b.subarray(n)) + 20;
  n = b.length - 15;
  const lyrics = /^(\d{6})LYRICS200$/.exec(text(b, Math.max(n, 0), b.length));
  return n >= 0 && lyrics ? Number(lyrics[1]) + 15 : 0;
}
