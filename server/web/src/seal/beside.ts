// Hashing in another worker, which gets the bytes that sealing has read: reading
// a file a second time would take longer than hashing it.

import type { Bytes } from './bytes';
import type { Hasher } from './sealer';

const ahead = 4; // pieces of at most 1 MiB that may wait to be hashed

/** What the hashing worker is told, and what it answers. */
export type Told = { file: number; data: Bytes } | { sums: number };
export type Answer = { taken: true } | { sums: string[] };

export class Beside implements Hasher {
  private waiting = 0;
  private again: (() => void) | undefined;
  private asked: ((sums: string[]) => void) | undefined;

  constructor(private readonly port: MessagePort) {
    port.onmessage = (e: MessageEvent<Answer>) => {
      if ('sums' in e.data) this.asked!(e.data.sums);
      else this.waiting--;
      if (this.again) this.again();
    };
  }

  async update(file: number, data: Bytes): Promise<void> {
    this.waiting++;
    this.port.postMessage({ file, data }, [data.buffer]);
    while (this.waiting > ahead) await new Promise<void>((resolve) => (this.again = resolve));
  }

  sums(n: number): Promise<string[]> {
    return new Promise((resolve) => {
      this.asked = resolve;
      this.port.postMessage({ sums: n });
    });
  }
}
