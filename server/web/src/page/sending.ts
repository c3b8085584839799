// The view while a drop is on its way.

import type { Ready } from './files';
import type { Watcher } from './outbox';
import { fill, find, hide, mb, show } from './view';

export class Sending implements Watcher {
  private readonly main = show('sending');
  /** The box has the opening letter, at least. */
  letter = false;

  private done = 0;
  private total = 0;
  private sizes: number[] = [];
  private said = 0;
  private broken = false;
  private start = 0;
  private resumed = 0;

  /** Stop is called when the witness wants to end it. */
  constructor(stop: () => void) {
    find('[data-do=stop]', this.main).onclick = stop;
    window.addEventListener('offline', this.offline);
  }

  private offline = () => this.line(false);

  cleaning(): void {
    this.step('cleaning');
  }

  /** The page locks and sends from now on. */
  begin(files: Ready[]): void {
    this.sizes = files.map((f) => f.size).sort((a, b) => a - b);
    this.total = this.sizes.reduce((n, s) => n + s, 0);
    this.start = performance.now();
    this.step('locking');
    this.draw();
  }

  stored(holds: number): void {
    this.letter = true;
    this.done += holds;
    hide(find('.full', this.main));
    this.step('');
    this.draw();
  }

  line(ok: boolean): void {
    if (ok === !this.broken) return;
    this.broken = !ok;
    document.body.setAttribute('data-line', ok ? 'ok' : 'broken');
    hide(find('.wait', this.main), ok);
    hide(find('.resume', this.main), !ok);
    this.say(find(ok ? '.resume' : '.wait', this.main).textContent || '');
    clearTimeout(this.resumed);
    if (ok) this.resumed = window.setTimeout(() => hide(find('.resume', this.main)), 5_000);
  }

  full(): void {
    hide(find('.full', this.main), false);
  }

  /** How many files the box has whole. */
  get files(): number {
    let left = this.done;
    return this.sizes.filter((s) => (left -= s) >= 0).length;
  }

  end(): void {
    window.removeEventListener('offline', this.offline);
    document.body.removeAttribute('data-line');
    clearTimeout(this.resumed);
  }

  private step(name: string): void {
    ['cleaning', 'locking'].forEach((s) => hide(find('.' + s, this.main), s !== name));
    hide(find('.numbers', this.main), !!name || !this.total);
  }

  private draw(): void {
    const share = this.total ? this.done / this.total : 0;
    find<HTMLProgressElement>('progress', this.main).value = share;
    fill(find('.progress', this.main), { done: mb(this.done), total: mb(this.total) });
    fill(find('.count', this.main), { n: Math.min(this.files + 1, this.sizes.length), m: this.sizes.length });
    const cost = find('.cost', this.main);
    const seconds = (performance.now() - this.start) / 1000;
    hide(cost, !this.done || share >= 1 || seconds < 3);
    if (!cost.hidden) {
      fill(cost, { mb: mb(this.total - this.done), min: Math.ceil((seconds / share) * (1 - share) / 60) });
    }
    if (Math.floor(share * 10) > this.said) {
      this.said = Math.floor(share * 10);
      this.say(find('.progress', this.main).textContent || '');
    }
  }

  /** Announces a text to screen readers. */
  private say(text: string): void {
    find('[role=status]', this.main).textContent = text;
  }
}
