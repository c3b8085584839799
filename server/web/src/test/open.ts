// Opens what the page sealed, with the age library's own reader, because header
// and payload are not made by the library but by the page.

import { Decrypter, generateHybridIdentity, generateX25519Identity } from 'age-encryption';

/** The archive in an object. Throws if the key does not fit. */
async function openSealed(identity: string, object: Uint8Array): Promise<Uint8Array> {
  const d = new Decrypter();
  d.addIdentity(identity);
  return d.decrypt(object);
}

/** A secret key that nothing was sealed to. */
const strangersKey = (kind: string): Promise<string> =>
  kind === 'hybrid' ? generateHybridIdentity() : generateX25519Identity();

Object.assign(globalThis, { openSealed, strangersKey });
