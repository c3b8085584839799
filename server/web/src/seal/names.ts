// Names of objects, all derived from a drop's random seed. The twin of
// crypto/names.go.

import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

import { concat, hex, utf8 } from './bytes';

const derive = (seed: Uint8Array, info: Uint8Array, n: number): Uint8Array => hkdf(sha256, seed, undefined, info, n);

export const letterId = (seed: Uint8Array): string => hex(derive(seed, utf8('temoin/1 letter'), 32));

export const closingId = (seed: Uint8Array): string => hex(derive(seed, utf8('temoin/1 close'), 32));

/** The drop's number, which is also the folder in every archive. */
export const dropNumber = (seed: Uint8Array): string => hex(derive(seed, utf8('temoin/1 drop'), 16));

export const chunkId = (seed: Uint8Array, k: number): string => hex(chunk(seed, k));

/** The key under which a store keeps chunk k. */
export const chunkKey = (seed: Uint8Array, k: number): string => 'c/' + hex(sha256(chunk(seed, k)));

function chunk(seed: Uint8Array, k: number): Uint8Array {
  const b = new DataView(new ArrayBuffer(8));
  b.setUint32(0, Math.floor(k / 2 ** 32));
  b.setUint32(4, k >>> 0);
  return derive(seed, concat(utf8('temoin/1 chunk'), new Uint8Array(b.buffer)), 32);
}
