import { Bytes } from '../bytes';

/** A Check reports whether the content of a segment is as long as it itself says. */
export type Check = (b: Bytes) => boolean;

const jpegSized = (n: number): Check => (b) => b.length === n;
const jpegFrame: Check = (b) => b.length > 6 && b.length === 6 + 3 * b[5];
const jpegScanHead: Check = (b) => b.length > 4 && b.length === 4 + 2 * b[0];
const jpegArithmetic: Check = (b) => b.length % 2 === 0 && b.length <= 64;

const jpegQuantization: Check = (b) => {
  for (let at = 0; at < b.length; ) {
    const wide = b[at] >> 4;
    const n = wide ? 1 + 128 : 1 + 64;
    if (wide > 1 || b.length - at < n) return false;
    at += n;
  }
  return true;
};

const jpegHuffman: Check = (b) => {
  for (let at = 0; at < b.length; ) {
    if (b.length - at < 17) return false;
    let n = 17;
    for (let i = 1; i < 17; i++) n += b[at + i];
    if (n > 17 + 256 || b.length - at < n) return false;
    at += n;
  }
  return true;
};

/** jpegTables are the segments that decoding needs. */
export const jpegTables: { [marker: number]: Check } = {
  0xc4: jpegHuffman,
  0xcc: jpegArithmetic,
  0xda: jpegScanHead,
  0xdb: jpegQuantization,
  0xdc: jpegSized(2),
  0xdd: jpegSized(2),
  0xde: jpegFrame,
  0xdf: jpegSized(1),
};
for (const m of [0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15]) jpegTables[0xc0 + m] = jpegFrame;
