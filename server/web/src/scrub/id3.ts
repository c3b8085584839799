import { Bytes, has } from './bytes';

// ID3 tags stand in FLAC and in MP3.
export const id3v1Len = 128;

/** id3Valid reports whether b begins with the head of an ID3v2 tag. */
export function id3Valid(b: Bytes): boolean {
  return (
    b.length >= 10 && has(b, 'ID3') && b[3] !== 0xff && b[4] !== 0xff && ((b[6] | b[7] | b[8] | b[9]) & 0x80) === 0
  );
}

/** id3Size reads the size from the head or the footer of an ID3v2 tag. */
export function id3Size(b: Bytes): number {
  return ((b[6] & 0x7f) << 21) | ((b[7] & 0x7f) << 14) | ((b[8] & 0x7f) << 7) | (b[9] & 0x7f);
}
