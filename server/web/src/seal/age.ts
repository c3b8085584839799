// age v1 files of an exact size. The stanzas of recipients come from the age
// library (from an inner file, as it does not export them by name). Header and
// payload are made here: the library's streams are slow, and it would mix kinds
// of recipients.

import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { HybridRecipient, X25519Recipient } from '../node_modules/age-encryption/dist/recipients.js';

import { random, utf8, wipe, type Bytes } from './bytes';

export const smallObject = 64 << 10;
export const largeObject = 1 << 20;
export const maxPart = 65024;

/** All keys of one file are of one kind. */
export type Kind = 'hybrid' | 'x25519';

const stanzaSize = { hybrid: 1557, x25519: 98 };
const segment = 64 << 10; // age seals a payload in pieces of this size
const tag = 16;

/** The kind of a list of public keys; an error if there are two, or none, or too many. */
export function kindOf(recipients: string[]): Kind {
  const pq = recipients.filter((r) => r.startsWith('age1pq1')).length;
  if (!recipients.length || recipients.length > 16 || (pq && pq < recipients.length)) throw new Error('recipients');
  return pq ? 'hybrid' : 'x25519';
}

/** Reads one public key; throws if it is none. */
export const parse = (recipient: string): HybridRecipient | X25519Recipient =>
  recipient.startsWith('age1pq1') ? new HybridRecipient(recipient) : new X25519Recipient(recipient);

/** How many bytes of plaintext make an object of exactly size bytes. */
export function capacityOf(kind: Kind, n: number, size: number): number {
  const payload = size - 70 - n * stanzaSize[kind] - 16;
  return payload - tag * Math.ceil(payload / (segment + tag));
}

/** Encrypts plain, which it wipes, to recipients of one kind. The file is the
 * pieces in their order. */
export async function encrypt(recipients: string[], plain: Bytes): Promise<Uint8Array[]> {
  const fileKey = random(16);
  const header = await headerFor(recipients, fileKey);
  const nonce = random(16);
  const key = hkdf(sha256, fileKey, nonce, utf8('payload'), 32);
  const sealed = await payload(key as Bytes, plain);
  wipe(fileKey, key, plain);
  return [header, nonce, ...sealed];
}

async function headerFor(recipients: string[], fileKey: Bytes): Promise<Bytes> {
  kindOf(recipients); // one kind only
  let text = 'age-encryption.org/v1\n';
  for (const r of recipients) {
    const wrapped = await parse(r).wrapFileKey(fileKey);
    for (const s of wrapped) text += '-> ' + s.args.join(' ') + '\n' + base64(s.body) + '\n'; // 32 bytes: one line
  }
  text += '---';
  const mac = hmac(sha256, hkdf(sha256, fileKey, undefined, utf8('header'), 32), utf8(text));
  return utf8(text + ' ' + base64(mac) + '\n');
}

const base64 = (b: Uint8Array): string => btoa(String.fromCharCode(...b)).replace(/=+$/, '');

/** Nonce of piece i: eleven bytes of counter, and whether it is the last. */
function nonceOf(i: number, last: boolean): Bytes {
  const n = new Uint8Array(12);
  new DataView(n.buffer).setUint32(7, i);
  n[11] = last ? 1 : 0;
  return n;
}

/** Seals pieces in turn; how is chosen by useNative. */
export async function payload(key: Bytes, plain: Bytes): Promise<Uint8Array[]> {
  const count = Math.max(1, Math.ceil(plain.length / segment));
  const native = useNative ? await importKey(key) : undefined;
  const sealed: (Uint8Array | Promise<Uint8Array>)[] = [];
  for (let i = 0; i < count; i++) {
    const piece = plain.subarray(i * segment, (i + 1) * segment);
    const nonce = nonceOf(i, i === count - 1);
    sealed.push(native ? encryptNative(native, nonce, piece) : chacha20poly1305(key, nonce).encrypt(piece));
  }
  return Promise.all(sealed);
}

let useNative = false;

/** Chooses the browser's own cipher, or the library's. */
export function setNative(on: boolean): void {
  useNative = on;
}

const name = 'ChaCha20-Poly1305';

// The types that TypeScript brings do not know the format raw-secret yet.
const importKey = (key: Bytes): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw-secret' as 'raw', key, name, false, ['encrypt']);

async function encryptNative(key: CryptoKey, iv: Bytes, piece: Bytes): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.encrypt({ name, iv, tagLength: 8 * tag } as AesGcmParams, key, piece));
}
