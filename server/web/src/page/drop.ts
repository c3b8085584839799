// One drop on its way from the phone to the box.

import { Outbox, type Sealed, type Watcher } from './outbox';
import type { Ready } from './files';
import type { Stop } from './put';
import type { Asked } from './worker';

const ahead = 4; // chunks that are being locked at the same time

/** What GET /v1/box says, as far as the page needs it. */
export interface Box {
  v: number;
  recipients: string[];
  limits: { files: number; in_flight: number };
  work: number;
}

/** A phone that can lock, and the box that it locks for. */
export interface Capability {
  box: Box;
  sealer: Asked;
  speed: number; // bytes a second
}

export interface Text {
  lang: string;
  words: string;
  where: string;
  when: string;
}

/** Seals and sends everything, and returns the receipt when the box has it.
 * The opening letter goes first and alone, then the smallest files, then the
 * closing letter. */
export async function send(
  sealer: Asked, box: Box, text: Text, files: Ready[], watcher: Watcher, stop: Stop,
): Promise<string> {
  const sorted = files.slice().sort((a, b) => a.size - b.size);
  const drop = { ...text, recipients: box.recipients, via: 'page', files: sorted };
  const out = new Outbox(box.limits.in_flight, watcher, stop);
  const { letter, receipt, done } =
    await sealer.ask<{ letter: Sealed; receipt: string; done: boolean }>({ do: 'open', drop });
  await out.add(letter);
  await out.drain();
  if (done) return receipt;
  // Several chunks are asked for at once: browsers read files and encrypt outside
  // of the script's thread.
  const asked: Promise<Sealed | undefined>[] = [];
  for (;;) {
    while (asked.length < ahead) {
      const next = sealer.ask<Sealed | undefined>({ do: 'chunk', large: out.large });
      next.catch(() => undefined); // awaited only later: no unhandled rejection until then
      asked.push(next);
    }
    const chunk = await asked.shift();
    if (!chunk) break;
    await out.add(chunk);
  }
  await out.drain();
  await out.add(await sealer.ask<Sealed>({ do: 'close' }));
  await out.drain();
  return receipt;
}
