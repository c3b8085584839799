import { riffBlank } from '../riff';
import { Stream } from '../stream';
import { noteExifChunk } from '../tail';
import { orientationOnly, tiffLen } from '../tiff';
import { Other } from '../words';
import { chunks, Keep } from './walk';

/** features keeps VP8X, with the flag for XMP cleared, as XMP is zeroed. */
export function features(s: Stream, n: number): void {
  const length = 10;
  const known = 0x3e;
  const xmp = 0x04;
  if (n !== length) s.giveUp();
  const b = s.peek(8 + length);
  if (b.length === 8 + length) {
    b[8] &= known & ~xmp;
    b.fill(0, 9, 12);
    s.copy(8 + length);
    return;
  }
  s.copy(8);
  s.zero(length);
}

/** animation keeps background and number of repeats. */
export function animation(s: Stream, n: number): void {
  const length = 6;
  s.copy(8 + Math.min(n, length));
  riffBlank(s, Math.max(0, n - length), Other);
}

/** frame keeps a frame of an animation: where and how long it is shown, then chunks. */
export function frame(s: Stream, n: number): void {
  const length = 16;
  const known = 0x03;
  if (n < length) s.giveUp();
  const end = s.pos + 8 + n;
  const b = s.peek(8 + length);
  if (b.length === 8 + length) b[8 + length - 1] &= known;
  s.copy(8 + length);
  chunks(s, end, frameChunk);
}

/** frameChunk keeps a chunk of a frame. */
const frameChunk: Keep = (s, name, n, seen) => {
  if (name === 'VP8L') name = 'VP8 ';
  if (seen.has(name) || (name !== 'VP8 ' && name !== 'ALPH')) return false;
  seen.add(name);
  s.copy(8 + n);
  return true;
};

/** exif writes a block with the orientation alone over an Exif block. */
export function exif(s: Stream, n: number): void {
  s.copy(8);
  const o = noteExifChunk(s, n);
  const b = s.peek(tiffLen);
  if (n >= tiffLen && b.length === tiffLen) {
    b.set(orientationOnly(o));
    s.copy(tiffLen);
    n -= tiffLen;
  }
  s.zero(n);
}
