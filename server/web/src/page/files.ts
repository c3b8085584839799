// What a witness chose, and the cleaning of it.

import { groupOf, sniff } from '../scrub/sniff';
import { start, Trouble, known } from './worker';

/** A file that is ready to be sealed. */
export interface Ready {
  blob: Blob;
  size: number;
  type: string;
  name?: string;
  details: string;
  removed: string[];
}

interface Cleaned {
  type: string;
  details: 'removed' | 'unknown';
  removed: string[];
  blob: Blob;
  error?: string;
}

const sniffLength = 512;

async function head(f: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const r = new FileReader();
    r.onload = () => resolve(new Uint8Array(r.result as ArrayBuffer));
    r.onerror = () => reject(new Trouble('read'));
    r.readAsArrayBuffer(f.slice(0, sniffLength));
  });
}

/** Leaves a file as it is, with its name. */
export async function keep(f: File): Promise<Ready> {
  return { blob: f, size: f.size, type: sniff(await head(f)), name: f.name, details: 'kept', removed: [] };
}

/** Cleans files, one after the other, each kind in a worker of its own that
 * starts when it is needed. A hostile file that takes over a parser finds no key
 * in its worker. */
export class Cleaner {
  private workers = new Map<string, Worker>();

  /** Takes the hidden details out. Where it cannot, the file is ready as it is,
   * and details says unknown. */
  async clean(f: File): Promise<Ready> {
    const type = sniff(await head(f));
    const group = groupOf(type);
    const as: Ready = { blob: f, size: f.size, type, details: 'unknown', removed: [] };
    if (!group || !known('scrub-' + group)) return as;
    const c = await this.ask(group, f);
    return c ? { ...as, blob: c.blob, size: c.blob.size, type: c.type, details: c.details, removed: c.removed } : as;
  }

  private async ask(group: string, file: File): Promise<Cleaned | undefined> {
    const worker = this.workers.get(group) || (await start('scrub-' + group));
    this.workers.set(group, worker);
    return new Promise((resolve, reject) => {
      worker.onmessage = (e: MessageEvent<Cleaned>) => (e.data.error ? reject(new Trouble('read')) : resolve(e.data));
      worker.onerror = (e) => {
        e.preventDefault();
        this.workers.delete(group);
        worker.terminate();
        resolve(undefined);
      };
      worker.postMessage({ file });
    });
  }

  end(): void {
    this.workers.forEach((w) => w.terminate());
    this.workers.clear();
  }
}
