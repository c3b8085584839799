// The hashing worker: SHA-256 of whole files, beside the sealing. Browsers have no
// such function for what comes piece by piece, and noble's takes twice as long.

import { SHA256 } from '@stablelib/sha256';

import { hex } from './seal/bytes';
import { read, Unreadable } from './seal/read';

const step = 1 << 20;

function sum(file: Blob): string {
  const h = new SHA256();
  for (let at = 0; at < file.size; at += step) h.update(read(file, at, Math.min(at + step, file.size)));
  return hex(h.digest());
}

onmessage = (e: MessageEvent<{ n: number; task: Blob }>) => {
  const { n, task } = e.data;
  try {
    postMessage({ n, result: sum(task) });
  } catch (err) {
    postMessage({ n, error: err instanceof Unreadable ? 'read' : 'seal' });
  }
};
