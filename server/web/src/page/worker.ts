// Workers: where they come from, and how to ask them.

declare const WORKERS: Record<string, string>; // name: file, put in when this is built

const policy = 'trustedTypes' in window
  ? (window as unknown as {
      trustedTypes: { createPolicy(n: string, p: object): { createScriptURL(s: string): string } };
    }).trustedTypes.createPolicy('temoin', {
      createScriptURL: (s: string) => {
        if (!/^\/s\/[a-z0-9-]+\.js$/.test(s)) throw new TypeError('not a script of ours');
        return s;
      },
    })
  : { createScriptURL: (s: string) => s };

/** What a worker could not do: read, seal, or start. */
export class Trouble extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** Starts a worker. On a bad line its script may fail to load: then it is tried
 * again. It throws only if the script loads and does not run, three times. */
export async function start(name: string): Promise<Worker> {
  const address = '/s/' + WORKERS[name];
  for (let tries = 0, came = 0; came < 3; tries++) {
    const w = new Worker(policy.createScriptURL(address));
    if (await ready(w)) return w;
    w.terminate();
    if (await comes(address)) came++;
    else await pause(tries);
  }
  throw new Trouble('start');
}

/** Whether a worker says that it is there. */
function ready(w: Worker): Promise<boolean> {
  return new Promise((resolve) => {
    w.onmessage = () => resolve(true);
    w.onerror = (e) => {
      e.preventDefault();
      resolve(false);
    };
  });
}

/** Whether a script comes as a whole. */
const comes = (address: string): Promise<boolean> =>
  fetch(address, { cache: 'no-store', credentials: 'omit' }).then((r) => r.text().then(() => r.ok)).catch(() => false);

/** Waits with exponential backoff and full jitter, at most 10 seconds. */
export const pause = (tries: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(10_000, 500 * 2 ** Math.min(tries, 10))));

/** A worker that answers one question after the other. */
export class Asked {
  private n = 0;
  private others: Worker[] = [];
  private waiting = new Map<number, { resolve: (v: never) => void; reject: (e: Error) => void }>();

  constructor(private readonly w: Worker) {
    this.w.onmessage = (e: MessageEvent<{ n: number; result?: never; error?: string }>) => {
      const { n, result, error } = e.data;
      const w = this.waiting.get(n);
      this.waiting.delete(n);
      if (!w) return;
      if (error) w.reject(new Trouble(error));
      else w.resolve(result as never);
    };
    this.w.onerror = (e) => {
      e.preventDefault();
      this.waiting.forEach((w) => w.reject(new Trouble('seal')));
      this.waiting.clear();
    };
  }

  ask<T>(task: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(++this.n, { resolve, reject });
      this.w.postMessage({ n: this.n, task });
    });
  }

  /** Connects this worker to another one, which ends with it. */
  connect(other: Worker): void {
    const { port1, port2 } = new MessageChannel();
    this.w.postMessage(null, [port1]);
    other.postMessage(null, [port2]);
    other.onerror = this.w.onerror; // otherwise questions would wait for ever when the other one fails
    this.others.push(other);
  }

  /** Terminates the workers, which discards their memory. Questions that are open
   * get no answer. */
  end(): void {
    [this.w, ...this.others].forEach((w) => w.terminate());
    this.waiting.clear();
  }
}

export const known = (name: string): boolean => name in WORKERS;
