// Seals the golden drops of testdata/vectors/v1 with their fixed randomness. The
// end-to-end tests run it in a browser and compare what comes out.

import { sha256 } from '@noble/hashes/sha2.js';

import { maxPart, setNative } from '../seal/age';
import { concat, hex, type Bytes } from '../seal/bytes';
import { Sealer, type Hasher, type Sealed } from '../seal/sealer';
import { selfTest } from '../seal/selftest';

interface Vector {
  recipients: string[];
  seed: string;
  identity: string;
  receipt: string;
  via: string;
  lang: string;
  where: string;
  when: string;
  words: string;
  files: { type: string; name?: string; details: string; size: number; removed?: string[] }[];
  objects: { role: string; size: number }[];
}

const unhex = (s: string): Bytes => new Uint8Array(s.length / 2).map((_, i) => parseInt(s.substr(2 * i, 2), 16));

function content(n: number, size: number): Bytes {
  const b = new Uint8Array(size);
  for (let j = 0; j < size; j++) b[j] = 31 * j + 17 * n + (j >> 8);
  return b;
}

/** Tests know all bytes; Blobs are read by a map, so that reading is synchronous. */
const bytesOf = new Map<Blob, Bytes>();

function blob(b: Bytes): Blob {
  const made = new Blob([b]);
  bytesOf.set(made, b);
  return made;
}

/** Keeps files in memory and hashes them at the end. */
class Whole implements Hasher {
  private files = new Map<number, Bytes>();

  async update(file: number, data: Bytes): Promise<void> {
    this.files.set(file, concat(this.files.get(file) || new Uint8Array(0), data));
  }

  async sums(n: number): Promise<string[]> {
    return Array.from({ length: n }, (_, i) => hex(sha256(this.files.get(i + 1) || new Uint8Array(0))));
  }
}

async function sealVector(v: Vector): Promise<Sealed[]> {
  const words = new TextEncoder().encode(v.words); // the only Blob that the sealer makes itself
  const read = async (b: Blob, from: number, to: number): Promise<Bytes> =>
    (bytesOf.get(b) || words).subarray(from, to);
  const files = v.files.map((f, i) => ({ ...f, removed: f.removed || [], blob: blob(content(i + 1, f.size)) }));
  const s = new Sealer({ ...v, files }, read, new Whole());
  const sealed = [await s.open({ seed: unhex(v.seed), identity: v.identity, receipt: v.receipt })];
  while (!s.done) {
    const next = sealed.length < v.objects.length ? await s.chunk(v.objects[sealed.length].size) : undefined;
    sealed.push(next || (await s.close()));
  }
  return sealed;
}

const base64 = (b: Bytes): string => {
  let s = '';
  for (let i = 0; i < b.length; i += maxPart) s += String.fromCharCode(...b.subarray(i, i + maxPart));
  return btoa(s);
};

Object.assign(globalThis, {
  selfTest,
  setNative,
  sealVector: async (v: Vector) =>
    (await sealVector(v)).map((s) => ({ id: s.id, object: base64(concat(...s.pieces)) })),
});
