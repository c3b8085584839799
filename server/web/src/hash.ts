// The hashing worker: SHA-256 of files that come piece by piece. Browsers have no
// such function, and noble's takes twice as long as this one.

import { SHA256 } from '@stablelib/sha256';

import type { Answer, Told } from './seal/beside';
import { hex, wipe } from './seal/bytes';

const hashes = new Map<number, SHA256>();

function hashOf(file: number): SHA256 {
  let h = hashes.get(file);
  if (!h) hashes.set(file, (h = new SHA256()));
  return h;
}

function answer(told: Told): Answer {
  if ('sums' in told) { // all files are complete by then
    const sums = [];
    for (let file = 1; file <= told.sums; file++) sums.push(hex(hashOf(file).digest()));
    return { sums };
  }
  hashOf(told.file).update(told.data);
  wipe(told.data);
  return { taken: true };
}

onmessage = (e: MessageEvent) => {
  const port = e.ports[0];
  port.onmessage = (m: MessageEvent<Told>) => port.postMessage(answer(m.data));
};

postMessage('ready');
