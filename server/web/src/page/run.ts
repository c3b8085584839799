// From the press of the button to the receipt, or to a sentence that says what
// became of it.

import { send, type Capability, type Text } from './drop';
import { Cleaner, keep, type Ready } from './files';
import { leave } from './leave';
import { Refused, Stopped } from './outbox';
import { Stop } from './put';
import { Sending } from './sending';
import { fill, find, hide, show } from './view';
import { awake } from './wake';
import { Trouble } from './worker';

export async function run(able: Capability, text: Text, chosen: File[], keepDetails: boolean): Promise<void> {
  const stop = new Stop();
  leave.wiping(() => stop.stop());
  let sending: Sending | undefined;
  try {
    let files = await ready(chosen, keepDetails, stop);
    const unclean = files.filter((f) => f.details === 'unknown');
    if (unclean.length) files = await ask(files, chosen);
    if (!files.length && !text.words) return location.reload();
    sending = new Sending(() => stop.stop());
    sending.begin(files);
    const asleep = awake();
    const receipt = await send(able.sealer, able.box, text, files, sending, stop).finally(asleep);
    done(receipt);
  } catch (e) {
    failed(e, sending, chosen.length);
  } finally {
    if (sending) sending.end();
    able.sealer.end();
    leave.wiped();
  }
}

async function ready(chosen: File[], keepDetails: boolean, stop: Stop): Promise<Ready[]> {
  const files: Ready[] = [];
  if (!chosen.length) return files;
  const view = new Sending(() => stop.stop());
  view.cleaning();
  const cleaner = new Cleaner();
  stop.whenStopped(() => cleaner.end());
  try {
    for (const f of chosen) {
      const one = keepDetails ? keep(f) : cleaner.clean(f);
      files.push(await Promise.race([one, new Promise<never>((_, no) => stop.whenStopped(() => no(new Stopped())))]));
    }
    return files;
  } finally {
    cleaner.end();
    view.end();
  }
}

/** Asks what to do with each file that cannot be cleaned. */
async function ask(files: Ready[], chosen: File[]): Promise<Ready[]> {
  const out: Ready[] = [];
  for (let i = 0; i < files.length; i++) {
    if (files[i].details !== 'unknown' || (await sendAnyway(chosen[i].name))) out.push(files[i]);
  }
  return out;
}

function sendAnyway(name: string): Promise<boolean> {
  const view = show('ask');
  fill(find('.question', view), { name });
  return new Promise((resolve) => {
    find('[data-do=send]', view).onclick = () => resolve(true);
    find('[data-do=leave]', view).onclick = () => resolve(false);
  });
}

function done(receipt: string): void {
  const view = show('done');
  find('.receipt bdi', view).textContent = receipt.replace(/(\d{4})(?=\d)/g, '$1 ');
}

/** Says what arrived, and what went wrong. */
function failed(e: unknown, sending: Sending | undefined, m: number): void {
  const n = sending ? sending.files : 0;
  const some = !!sending && sending.letter;
  const view = show('failed');
  let code = 'later';
  if (e instanceof Stopped) code = 'stopped';
  else if (e instanceof Trouble && e.code === 'read') code = 'read';
  else if (!(e instanceof Refused) && !some) code = 'key';
  view.querySelectorAll<HTMLElement>('[data-err]').forEach((p) => hide(p, p.getAttribute('data-err') !== code));
  document.body.setAttribute('data-error', code);
  const partial = find('.partial', view);
  hide(partial, !some || !m);
  if (!partial.hidden) fill(partial, { n, m });
}
