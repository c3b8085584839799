import { Bytes, has, le32, notZero } from './bytes';

// APE tags stand in FLAC and in MP3.
export const apeMagic = 'APETAGEX';
export const apeHeadLen = 32;

/** apeValid reports whether a header or footer of a tag is of a version that exists, and has zeros where it must. */
export function apeValid(h: Bytes): boolean {
  const v = le32(h, 8);
  return has(h, apeMagic) && (v === 1000 || v === 2000) && !notZero(h.subarray(24, 32));
}
