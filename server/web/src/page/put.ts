// One PUT of one sealed object. XMLHttpRequest, because it tells how much went
// out: a line that stands still is given up, and one that is only slow is not.

export type Outcome =
  | { kind: 'stored' }
  | { kind: 'again'; after: number } // seconds; the line or the box had trouble
  | { kind: 'full' }
  | { kind: 'refused' };

const still = 30_000; // ms without a byte
const answer = 90_000; // ms from the last byte to the answer

/** Sends bytes as a Blob, because browsers copy byte arrays through every layer;
 * as a new one at each try, because a Blob for which the browser finds no room is
 * broken for good. */
export function put(id: string, bytes: Uint8Array<ArrayBuffer>, stop: Stop): Promise<Outcome> {
  return new Promise((resolve) => {
    const x = new XMLHttpRequest();
    let timer = 0;
    const watch = (ms: number) => {
      clearTimeout(timer);
      timer = window.setTimeout(() => x.abort(), ms);
    };
    const done = () => {
      clearTimeout(timer);
      forget();
      resolve(judge(x));
    };
    const forget = stop.whenStopped(() => x.abort());
    x.upload.onprogress = (e) => watch(e.loaded < e.total ? still : answer);
    x.upload.onload = () => watch(answer);
    x.onloadend = done;
    x.open('PUT', '/v1/objects/' + id);
    x.setRequestHeader('Content-Type', 'application/octet-stream');
    x.send(new Blob([bytes]));
    watch(still);
  });
}

function judge(x: XMLHttpRequest): Outcome {
  const s = x.status;
  if (s === 200 || s === 201) return { kind: 'stored' };
  if (s === 507) return { kind: 'full' };
  const cut = s === 400 && x.responseText.includes('"cut"');
  if (s === 0 || s === 408 || s === 429 || s >= 500 || cut) {
    return { kind: 'again', after: Number(s && x.getResponseHeader('Retry-After')) || 0 };
  }
  return { kind: 'refused' };
}

/** Tells everything that is under way that the witness stopped the drop. */
export class Stop {
  stopped = false;
  private listeners = new Set<() => void>();

  stop(): void {
    this.stopped = true;
    this.listeners.forEach((f) => f());
    this.listeners.clear();
  }

  /** Calls f when it is stopped; returns how to forget f. */
  whenStopped(f: () => void): () => void {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }
}
