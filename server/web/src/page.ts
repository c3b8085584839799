// The page with a script: the phone cleans, locks and sends. Until its test has
// passed, and wherever it fails, the page is the form that it was.

import type { Box } from './page/drop';
import { Form } from './page/form';
import { Asked, pause, start, Trouble } from './page/worker';
import { find } from './page/view';

/** What the page needs that browsers may lack. All else that it uses is no newer
 * than the syntax of this script, which an older browser cannot even read. */
const able = () =>
  'Worker' in window && 'BigInt' in window && 'content' in document.createElement('template') && !!window.crypto;

async function ask(): Promise<Box> {
  const r = await fetch('/v1/box', { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' });
  if (!r.ok) throw new Error('box');
  return r.json();
}

/** Asks until there is an answer: on a bad line the first request often fails. */
async function reach(form: Form): Promise<Box> {
  for (let tries = 0; ; tries++) {
    try {
      const box = await ask();
      form.waiting(false);
      return box;
    } catch (e) {
      form.waiting(true);
      await pause(tries);
    }
  }
}

async function begin(form: Form): Promise<void> {
  if (!able()) return form.cannotLock();
  const box = await reach(form);
  if (box.v !== 1 || box.work !== 0) return form.refuse('work');
  try {
    const sealer = new Asked(await start('seal'));
    sealer.connect(await start('hash'));
    const { speed } = await sealer.ask<{ speed: number }>({ do: 'test', recipients: box.recipients });
    form.canLock({ box, sealer, speed });
  } catch (e) {
    if (e instanceof Trouble && e.code === 'key') form.refuse('key');
    else form.cannotLock();
  }
}

begin(new Form(find<HTMLFormElement>('form')));
