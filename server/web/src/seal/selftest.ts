// Before the first byte: does this browser compute what age needs? Known answers
// for each step, which crypto/page_test.go holds against the Go code, a key that
// is locked and unlocked, and the speed of the cipher.

import { sha256 } from '@noble/hashes/sha2.js';
import {
  HybridIdentity, HybridRecipient, X25519Identity, X25519Recipient, identityToRecipient,
} from '../node_modules/age-encryption/dist/recipients.js';

import { payload, setNative, type Kind } from './age';
import { hex, random, utf8, type Bytes } from './bytes';
import { chunkId } from './names';
import { Archive } from './tar';

const identities = {
  hybrid: 'AGE-SECRET-KEY-PQ-1KHW22A8VNCZ555CH0CVLPUGSK4H9AW35NP3UCWKJ7XL9K79HTNJQ6HR4PA',
  x25519: 'AGE-SECRET-KEY-16KQ2QF57JZZT5Y0X34LJUTZNYJL5GK4704J6EXY2NHTD5LRQQ8NSGN7F5E',
};

const answers = {
  payload: 'ffbe8f03d9b52fc3e3e517b6ca2d4676e33787e271fa393bc144be9a51098ddc',
  name: 'ccf3cc8c745f789e018db277c9a34975ded7aea217c0fe065bfa6dee980600df',
  tar: 'b6c36e2e9062b92e11f7649ca1b03fa51ea32b1902b23f2e406c748267f1e061',
  hybrid: '9e742af17a8e1b6b9cbace2de8126555abba6ce099546e8e656a8e62582b6b03',
  x25519: '1a1049c77311b9c920fbe4b62d3a358138fc4c05991c7cdb715ed42bdcb4abf8',
};

const pattern = (n: number): Bytes => new Uint8Array(n).map((_, i) => 31 * i + (i >> 8));

async function sealed(key: Bytes, plain: Bytes): Promise<string> {
  const h = sha256.create();
  for (const p of await payload(key, plain)) h.update(p);
  return hex(h.digest());
}

async function cipherIsRight(): Promise<boolean> {
  return (await sealed(pattern(32), pattern(100_000))) === answers.payload;
}

async function keysAreRight(kind: Kind): Promise<boolean> {
  const to = await identityToRecipient(identities[kind]);
  const key = random(16);
  const hybrid = kind === 'hybrid';
  const locked = await (hybrid ? new HybridRecipient(to) : new X25519Recipient(to)).wrapFileKey(key);
  const unlocked = await (hybrid ? new HybridIdentity(identities[kind]) : new X25519Identity(identities[kind]))
    .unwrapFileKey(locked);
  return hex(sha256(utf8(to))) === answers[kind] && !!unlocked && hex(unlocked) === hex(key);
}

function restIsRight(): boolean {
  const a = new Archive(5000);
  a.add('0123/01/000001', pattern(700));
  return hex(sha256(a.finish())) === answers.tar && chunkId(pattern(32), 2 ** 33 + 5) === answers.name &&
    hex(random(16)) !== hex(random(16));
}

/** Tries the browser's own cipher, then the library's. Returns which one is in
 * use and how many bytes a second it seals. Throws if nothing can be trusted. */
export async function selfTest(kind: Kind): Promise<{ native: boolean; speed: number }> {
  let native = true;
  setNative(native);
  if (!(await cipherIsRight().catch(() => false))) {
    native = false;
    setNative(native);
    if (!(await cipherIsRight())) throw new Error('cipher');
  }
  if (!restIsRight() || !(await keysAreRight(kind))) throw new Error('wrong answer');
  return { native, speed: await speed() };
}

async function speed(): Promise<number> {
  const key = random(32);
  const plain = new Uint8Array(128 << 10);
  const start = performance.now();
  let done = 0;
  do {
    await payload(key, plain);
    done += plain.length;
  } while (performance.now() - start < 50);
  return (1000 * done) / (performance.now() - start);
}
