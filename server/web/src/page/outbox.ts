// Sends sealed objects until the box has them: several at once on a good line,
// one small one at a time on a bad one.

import { put, type Outcome, type Stop } from './put';

export interface Sealed {
  id: string;
  bytes: Uint8Array<ArrayBuffer>;
  holds: number;
}

/** What the outbox tells the page. */
export interface Watcher {
  /** The box has bytes more of the files. */
  stored(holds: number): void;
  /** The line is broken, or not any more. */
  line(ok: boolean): void;
  full(): void;
}

/** The box will not take this drop, however often it is tried. */
export class Refused extends Error {}

/** The witness stopped. */
export class Stopped extends Error {}

const quick = 4_000; // ms: an object that took less leaves room for one more at a time
const slow = 12_000;
const goodLine = 256 << 10; // bytes a second: above it, chunks are large
const longestPause = 30_000;

export class Outbox {
  private window = 1; // how many may be under way
  private underWay = 0;
  private failed: Error | undefined;
  private waiting: (() => void)[] = [];
  private speed = 0; // bytes a second, of everything together; 0 until it was measured
  private since = 0;
  private sent = 0;

  constructor(private readonly most: number, private readonly watcher: Watcher, private readonly stop: Stop) {}

  /** Whether objects should be large. */
  get large(): boolean {
    return this.speed > goodLine;
  }

  /** Takes an object as soon as there is room, and sends it in the background. */
  async add(o: Sealed): Promise<void> {
    while (!this.failed && this.underWay >= this.window) await this.change();
    if (this.failed) throw this.failed;
    if (this.underWay++ === 0) this.restartClock();
    this.deliver(o).then(
      () => this.end(),
      (e) => {
        this.failed = this.failed || e;
        this.end();
      },
    );
  }

  /** Waits until the box has everything. */
  async drain(): Promise<void> {
    while (!this.failed && this.underWay > 0) await this.change();
    if (this.failed) throw this.failed;
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private end(): void {
    this.underWay--;
    this.waiting.splice(0).forEach((f) => f());
  }

  private async deliver(o: Sealed): Promise<void> {
    for (let tries = 0; ; tries++) {
      if (this.stop.stopped) throw new Stopped();
      const start = performance.now();
      const outcome = await put(o.id, o.bytes, this.stop);
      if (this.stop.stopped && outcome.kind !== 'stored') throw new Stopped();
      if (outcome.kind === 'refused') throw new Refused();
      this.adapt(outcome, performance.now() - start);
      if (outcome.kind === 'stored') {
        this.measure(o.bytes.length);
        this.watcher.line(true);
        this.watcher.stored(o.holds);
        return;
      }
      if (outcome.kind === 'full') this.watcher.full();
      else this.watcher.line(false);
      await this.pause(outcome, tries);
    }
  }

  private adapt(outcome: Outcome, took: number): void {
    if (outcome.kind !== 'stored' || took > slow) this.window = Math.max(1, Math.floor(this.window / 2));
    else if (took < quick) this.window = Math.min(this.most, this.window + 1);
  }

  /** The clock runs while something is under way. */
  private restartClock(): void {
    this.since = performance.now();
    this.sent = 0;
  }

  private measure(bytes: number): void {
    this.sent += bytes;
    const seconds = (performance.now() - this.since) / 1000;
    const now = this.sent / Math.max(seconds, 0.001);
    this.speed = this.speed && seconds < 1 ? this.speed + (now - this.speed) / 4 : now;
    if (seconds > 20) { // older measurements count for half
      this.since += 10_000;
      this.sent /= 2;
    }
  }

  /** Exponential backoff with full jitter, so that phones that lost the line together do not all come back at once.
   * A lost line waits for the jitter alone, a full box for 30 seconds more. */
  private pause(outcome: Outcome, tries: number): Promise<void> {
    const after = outcome.kind === 'again' ? 1000 * Math.min(outcome.after, 120) : longestPause;
    const jitter = Math.random() * Math.min(longestPause, 500 * 2 ** Math.min(tries, 10));
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        window.removeEventListener('online', go);
        forget();
        resolve();
      };
      const timer = window.setTimeout(go, after + jitter);
      const forget = this.stop.whenStopped(go);
      window.addEventListener('online', go);
    });
  }
}
