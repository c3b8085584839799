import { Bytes } from '../bytes';

const table = Uint32Array.from(Array(256), (_, i) => {
  let c = i << 24;
  for (let k = 0; k < 8; k++) c = c < 0 ? (c << 1) ^ 0x04c11db7 : c << 1;
  return c;
});

/** oggCRC is the checksum of a page, whose own field for it is zero. */
export function oggCRC(b: Bytes): number {
  let c = 0;
  for (let i = 0; i < b.length; i++) c = (c << 8) ^ table[(c >>> 24) ^ b[i]];
  return c >>> 0;
}
