import { Bytes } from './bytes';

const table = Array.from(Array(256), (_, i) => {
  for (let k = 0; k < 8; k++) i = i & 1 ? (i >>> 1) ^ 0xedb88320 : i >>> 1;
  return i;
});

/** crc32 returns the checksum of b behind bytes that have the checksum before. */
export function crc32(b: Bytes, before = 0): number {
  let c = ~before;
  for (let i = 0; i < b.length; i++) c = (c >>> 8) ^ table[(c ^ b[i]) & 0xff];
  return ~c >>> 0;
}
