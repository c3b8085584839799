// The receipt: 20 random digits. The twin of crypto/receipt.go.

import { pbkdf2Async } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';

import { hex, random, utf8 } from './bytes';

/** 20 decimal digits, each equally likely. */
export function newReceipt(): string {
  let digits = '';
  while (digits.length < 20) {
    for (const c of random(32)) {
      if (c < 250 && digits.length < 20) digits += c % 10; // above 249, 0 to 5 would come more often than 6 to 9
    }
  }
  return digits;
}

/** What manifest-1 carries as "reply": 64 hexadecimal digits. */
export async function replySecret(receipt: string): Promise<string> {
  const salt = utf8('temoin/1 receipt');
  const iterations = 20_000;
  if (crypto.subtle) { // a hundred times as fast where scripts are slow
    const key = await crypto.subtle.importKey('raw', utf8(receipt), 'PBKDF2', false, ['deriveBits']);
    const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256);
    return hex(new Uint8Array(bits));
  }
  return hex(await pbkdf2Async(sha256, utf8(receipt), salt, { c: iterations, dkLen: 32 }));
}
