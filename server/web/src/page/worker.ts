// Workers: where they come from, and how to ask them.

declare const WORKERS: Record<string, string>; // name: file, put in when this is built

const policy = 'trustedTypes' in window
  ? (window as unknown as { trustedTypes: { createPolicy(n: string, p: object): { createScriptURL(s: string): string } } })
    .trustedTypes.createPolicy('temoin', {
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

export const start = (name: string): Worker => new Worker(policy.createScriptURL('/s/' + WORKERS[name]));

/** A worker that answers one question after the other. */
export class Asked {
  private w: Worker;
  private n = 0;
  private waiting = new Map<number, { resolve: (v: never) => void; reject: (e: Error) => void }>();

  constructor(name: string) {
    this.w = start(name);
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
      this.waiting.forEach((w) => w.reject(new Trouble('start')));
      this.waiting.clear();
    };
  }

  ask<T>(task: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(++this.n, { resolve, reject });
      this.w.postMessage({ n: this.n, task });
    });
  }

  /** Ends the worker, and with it all that it knows. Questions stay open. */
  end(): void {
    this.w.terminate();
    this.waiting.clear();
  }
}

export const known = (name: string): boolean => name in WORKERS;
