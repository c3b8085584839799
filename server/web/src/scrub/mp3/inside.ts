import { apeMagic } from '../ape';
import { Bytes, bytes, has, index, notZero, text, u16, u32 } from '../bytes';
import { lameVersion } from '../encoder';
import { id3v1Len, id3Valid } from '../id3';
import { noteWords, Software } from '../words';
import { Mp3File, Mp3Header } from './frame';

const mp3Ext = 36;

/** frame cleans what encoders put into a frame of their own. */
export function frame(m: Mp3File, b: Bytes, h: Mp3Header): void {
  const at = mp3XingAt(b, h);
  if (at > 0) xing(m, b, at);
  else if (mp3BlankFiller(b.subarray(4))) m.s.found(Software);
}

/** mp3XingAt finds the tag called Xing or Info in a frame, or returns 0. */
function mp3XingAt(b: Bytes, h: Mp3Header): number {
  if (h.side === 0) return 0;
  const at = 4 + h.side;
  if (mp3Xing(b, at)) return at;
  return !(b[1] & 1) && mp3Xing(b, at + 2) ? at + 2 : 0;
}

function mp3Xing(b: Bytes, at: number): boolean {
  return b.length >= at + 8 && (has(b, 'Xing', at) || has(b, 'Info', at)) && u32(b, at + 4) <= 15;
}

/** xing keeps of such a tag the numbers and the first four letters of the encoder's name. */
function xing(m: Mp3File, b: Bytes, at: number): void {
  const flags = b[at + 7];
  at += 8;
  [4, 4, 100, 4].forEach((n, i) => {
    if (flags & (1 << i)) at += n;
  });
  if (b.length < at + mp3Ext) return clear(m, b.subarray(at));
  const sumAt = at + mp3Ext - 2;
  const right = b[at] !== 0 && mp3CRC(b.subarray(0, sumAt)) === u16(b, sumAt);
  const name = text(b, at, at + 4);
  if (name !== 'LAME' && name !== 'Lavf' && name !== 'Lavc' && !right) return clear(m, b.subarray(at));
  clear(m, b.subarray(at + mp3Ext));
  if (!has(b, '     ', at + 4)) {
    m.s.found(Software);
    b.set(bytes('     '), at + 4);
  }
  if (right) {
    const sum = mp3CRC(b.subarray(0, sumAt));
    b[sumAt] = sum >> 8;
    b[sumAt + 1] = sum;
  }
}

/** clear zeroes b. */
function clear(m: Mp3File, b: Bytes): void {
  if (notZero(b)) noteWords(m.s, b, Software);
  b.fill(0);
}

/** mp3CRC is the checksum of LAME's tag, CRC-16/ARC. */
function mp3CRC(b: Bytes): number {
  let c = 0;
  for (let i = 0; i < b.length; i++) {
    c ^= b[i];
    for (let k = 0; k < 8; k++) c = (c >> 1) ^ (c & 1 ? 0xa001 : 0);
  }
  return c;
}

/** mp3BlankFiller overwrites the name and version that LAME fills up frames with, from the last to the first. */
function mp3BlankFiller(b: Bytes): boolean {
  const found: number[] = [];
  for (let i = -1; (i = index(b, 'LAME3.', i + 1)) >= 0; ) found.push(i);
  let some = false;
  for (const i of found.reverse()) {
    const n = lameVersion(b.subarray(i));
    b.fill(0x55, i, i + n);
    some = some || n > 0;
  }
  return some;
}

/** cut returns how much of b, a frame that the input ends in, is before the first tag in it. */
export function cut(b: Bytes): number {
  for (let i; (i = mp3TagIn(b, b.length)) >= 0; b = b.subarray(0, i));
  return b.length;
}

/** blankTags zeroes a frame from the first tag in it on. It is for a frame that no other one follows. */
export function blankTags(m: Mp3File, frame: Bytes, junk: number): void {
  for (;;) {
    let i = mp3TagIn(frame, frame.length);
    const j = mp3TagIn(frame, frame.length + junk);
    if (j >= 0 && (i < 0 || j < i)) i = j;
    if (i < 0) return;
    clear(m, frame.subarray(i));
  }
}

/** mp3TagIn finds the first tag in a frame, or returns -1. */
function mp3TagIn(b: Bytes, end: number): number {
  let at = -1;
  const first = (i: number): void => {
    if (i >= 4 && (at < 0 || i < at)) at = i;
  };
  first(index(b, apeMagic));
  first(index(b, 'LYRICSBEGIN'));
  for (let i = 0; (i = index(b, 'ID3', i)) >= 0; i++) {
    if (id3Valid(b.subarray(i)) && b[i + 3] <= 4) {
      first(i);
      break;
    }
  }
  for (const [magic, far] of [
    ['TAG', id3v1Len],
    ['TAG+', id3v1Len + 227],
  ] as const) {
    const i = end - far;
    if (i >= 4 && i < b.length && has(b, magic, i)) first(i);
  }
  return at;
}
