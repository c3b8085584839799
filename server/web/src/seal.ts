// The sealing worker: one drop. Terminating this worker discards the keys.

import { concat, type Bytes } from './seal/bytes';
import { selfTest } from './seal/selftest';
import { kindOf, largeObject, parse, smallObject, type Kind } from './seal/age';
import { Beside } from './seal/beside';
import { read, Unreadable } from './seal/read';
import { Sealer, type Drop, type Sealed } from './seal/sealer';

export type Task =
  | { do: 'test'; recipients: string[] }
  | { do: 'open'; drop: Drop }
  | { do: 'chunk'; large: boolean }
  | { do: 'close' };

/** A sealed object on its way to the page. */
export interface Packed {
  id: string;
  bytes: Bytes;
  holds: number;
}

const pack = (s?: Sealed): Packed | undefined => s && { id: s.id, bytes: concat(...s.pieces), holds: s.holds };

let sealer: Sealer;
let hash: MessagePort; // to the worker that hashes

class WrongKeys extends Error {}

/** The kind of the box's keys, if they can be used at all. */
function checked(recipients: string[]): Kind {
  try {
    const kind = kindOf(recipients);
    recipients.forEach(parse);
    return kind;
  } catch (e) {
    throw new WrongKeys();
  }
}

async function work(t: Task): Promise<unknown> {
  switch (t.do) {
    case 'test':
      return selfTest(checked(t.recipients));
    case 'open': {
      sealer = new Sealer(t.drop, read, new Beside(hash));
      const letter = pack(await sealer.open());
      return { letter, receipt: sealer.receipt, done: sealer.done };
    }
    case 'chunk':
      return pack(await sealer.chunk(t.large ? largeObject : smallObject));
    case 'close':
      return pack(await sealer.close());
  }
}

onmessage = async (e: MessageEvent<{ n: number; task: Task }>) => {
  if (e.ports.length) {
    hash = e.ports[0];
    return;
  }
  const { n, task } = e.data;
  try {
    const result = await work(task);
    (self as unknown as Worker).postMessage({ n, result }, buffers(result));
  } catch (err) {
    postMessage({ n, error: err instanceof Unreadable ? 'read' : err instanceof WrongKeys ? 'key' : 'seal' });
  }
};

/** The buffers in a result, to be transferred to the page instead of copied. */
function buffers(result: unknown): ArrayBuffer[] {
  const r = result as { bytes?: Bytes; letter?: Packed } | undefined;
  const bytes = r && (r.bytes || (r.letter && r.letter.bytes));
  return bytes ? [bytes.buffer] : [];
}

postMessage('ready');
