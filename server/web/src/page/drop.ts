// One drop on its way from the phone to the box.

import { Outbox, type Sealed, type Watcher } from './outbox';
import type { Ready } from './files';
import type { Stop } from './put';
import type { Asked } from './worker';

/** What GET /v1/box says, as far as the page needs it. */
export interface Box {
  v: number;
  recipients: string[];
  limits: { files: number; in_flight: number };
  work: number;
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
export async function send(sealer: Asked, box: Box, text: Text, files: Ready[], watcher: Watcher, stop: Stop): Promise<string> {
  const sorted = files.slice().sort((a, b) => a.size - b.size);
  const drop = { ...text, recipients: box.recipients, via: 'page', files: sorted };
  const out = new Outbox(box.limits.in_flight, watcher, stop);
  const { letter, receipt, done } = await sealer.ask<{ letter: Sealed; receipt: string; done: boolean }>({ do: 'open', drop });
  await out.add(letter);
  await out.drain();
  if (done) return receipt;
  // One is asked for while another is being locked: browsers encrypt beside the script.
  const ask = () => sealer.ask<Sealed | undefined>({ do: 'chunk', large: out.large });
  for (let next = ask(); ; ) {
    const chunk = await next;
    if (!chunk) break;
    next = ask();
    next.catch(() => undefined); // until it is waited for
    await out.add(chunk);
  }
  await out.drain();
  await out.add(await sealer.ask<Sealed>({ do: 'close' }));
  await out.drain();
  return receipt;
}
