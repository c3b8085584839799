// The form, once the script has it: the list of chosen files, and what the page
// promises.

import type { Capability } from './drop';
import { run } from './run';
import { copyOf, fill, find, hide, mb } from './view';

/** So many characters of words fit into the opening letter beside any manifest and
 * any number of recipients. Longer ones may become a file, which counts as one. */
const surelyInLetter = 5_000;

export class Form {
  private files: File[] = [];
  private able: Capability | undefined;
  private pressed = false;
  private readonly input: HTMLInputElement;
  private readonly button: HTMLButtonElement;

  constructor(private readonly form: HTMLFormElement) {
    this.input = find<HTMLInputElement>('input[type=file]', form);
    this.button = find<HTMLButtonElement>('button:not([type])', form);
    form.addEventListener('submit', this.submit);
    const under = find('.under', form);
    under.parentNode!.insertBefore(copyOf('chosen'), under.nextSibling);
    document.body.setAttribute('data-state', 'start');
  }

  /** The phone has passed the self-test: from now on it locks, and the page says
   * so. */
  canLock(able: Capability): void {
    this.able = able;
    this.order();
    this.form.querySelectorAll<HTMLElement>('[data-way]')
      .forEach((e) => hide(e, e.getAttribute('data-way') !== 'phone'));
    this.input.addEventListener('change', this.choose);
    this.choose();
    document.body.setAttribute('data-lock', 'phone');
    if (this.pressed) this.submit();
  }

  /** Puts the fields into the order in which they are shown, for the keyboard and
   * for screen readers. The HTML has the files last, because a form without a
   * script sends its fields in the order of the HTML. */
  private order(): void {
    const at = document.activeElement as HTMLElement | null;
    this.form.insertBefore(find('.first', this.form), this.form.firstChild);
    find('.files', this.form).appendChild(find('.details', this.form));
    if (at && at !== document.activeElement) at.focus();
  }

  /** The form goes on without locking on the phone, and the button says so. */
  cannotLock(): void {
    this.form.removeEventListener('submit', this.submit);
    this.button.disabled = false;
    hide(find('.old', this.form), false);
    this.button.textContent = find('.use', this.form).textContent;
    document.body.setAttribute('data-lock', 'server');
  }

  /** Nothing can be sent: the page is too old for the box ("work"), or the box
   * names keys that cannot be right ("key"). */
  refuse(why: string): void {
    hide(find('.' + why, this.form), false);
    hide(this.button);
    document.body.setAttribute('data-lock', 'refused');
  }

  /** The box cannot be reached yet. */
  waiting(yes: boolean): void {
    hide(find('.offline', this.form), !yes || !this.pressed);
  }

  /** Takes what was chosen out of the browser's field, which browsers remember on
   * disk. */
  private choose = () => {
    for (const f of Array.from(this.input.files || [])) this.files.push(f);
    this.input.value = '';
    this.list();
  };

  private list(): void {
    const box = find('.list', this.form);
    box.textContent = '';
    this.files.forEach((f, i) => {
      const item = copyOf('item');
      find('bdi', item).textContent = f.name;
      fill(find('.size', item), { mb: mb(f.size) });
      const out = find<HTMLButtonElement>('button', item);
      out.setAttribute('aria-label', out.textContent + ' ' + f.name);
      out.onclick = () => {
        this.files.splice(i, 1);
        this.list();
        this.input.focus();
      };
      box.appendChild(item);
    });
    const total = this.files.reduce((n, f) => n + f.size, 0);
    this.note('.chosen', this.files.length > 0, { n: this.files.length, mb: mb(total) });
    const minutes = this.able ? Math.ceil(total / this.able.speed / 60) : 0;
    this.note('.slow', minutes >= 2, { min: minutes });
    const onTheLine = Math.ceil(total / line() / 60);
    this.note('.cost', onTheLine >= 2, { mb: mb(total), min: onTheLine });
  }

  private note(selector: string, shown: boolean, values: Record<string, string | number>): void {
    const e = find(selector, this.form);
    hide(e, !shown);
    if (shown) fill(e, values);
  }

  private submit = (e?: Event) => {
    if (e) e.preventDefault();
    if (!this.able) { // the self-test is not over, or the box was not reached yet
      this.pressed = true;
      this.button.disabled = true;
      return;
    }
    this.button.disabled = false;
    const value = (name: string) => find<HTMLInputElement>(`[name=${name}]`, this.form).value;
    const text = {
      lang: document.documentElement.getAttribute('data-tag') || 'en',
      words: value('words').trim(), where: value('where'), when: value('when'),
    };
    const empty = !this.files.length && !text.words;
    const many = this.files.length + (text.words.length > surelyInLetter ? 1 : 0) > this.able.box.limits.files;
    hide(find('.empty', this.form), !empty);
    hide(find('.many', this.form), !many);
    if (empty || many) return;
    const keepDetails = find<HTMLInputElement>('[name=details][value=keep]', this.form).checked;
    this.form.reset();
    run(this.able, text, this.files, keepDetails);
  };
}

/** The speed of the line in bytes a second, from the times in which the page's
 * files came; Infinity if it is not known. */
function line(): number {
  let bytes = 0;
  let ms = 0;
  for (const e of performance.getEntriesByType('resource') as PerformanceResourceTiming[]) {
    bytes += e.encodedBodySize;
    ms += e.responseEnd - e.startTime;
  }
  return bytes && ms ? (1000 * bytes) / ms : Infinity;
}
