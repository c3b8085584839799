import { Bytes } from './bytes';
import { Formats, scrub } from './scrub';
import { Piece } from './stream';

// A class of workers that is missing in TypeScript's types for pages.
declare class FileReaderSync {
  readAsArrayBuffer(b: Blob): ArrayBuffer;
}

/**
 * serve answers {file} with {type, details, removed, blob}, or with {error: 'read'}
 * when the phone does not let us read the file. First of all it says 'ready'.
 */
export function serve(formats: Formats): void {
  self.onmessage = (m: MessageEvent<{ file: Blob }>) => {
    const { file } = m.data;
    const read = (from: number, to: number): Bytes =>
      new Uint8Array(new FileReaderSync().readAsArrayBuffer(part(file, from, to)));
    const done = scrub({ size: file.size, read }, formats);
    const answer = done ? { ...done[0], blob: assemble(file, done[1]) } : { error: 'read' };
    (self as unknown as Worker).postMessage(answer);
  };
  (self as unknown as Worker).postMessage('ready');
}

/** part returns a piece of a file, or the file itself if that is all of it. */
function part(file: Blob, from: number, to: number): Blob {
  return to - from < file.size ? file.slice(from, to) : file;
}

const noughts = new Uint8Array(64 << 10);
const zeros = new Blob([noughts]);

/** assemble makes the result. Pieces of the file are slices of its Blob, which take no memory. */
function assemble(file: Blob, plan: Piece[]): Blob {
  const parts: BlobPart[] = [];
  for (const p of plan) {
    let { n } = p;
    if (p.bytes) parts.push(p.bytes);
    else if (p.from >= 0) parts.push(part(file, p.from, p.from + n));
    else {
      for (; n >= zeros.size; n -= zeros.size) parts.push(zeros);
      parts.push(noughts.subarray(0, n));
    }
  }
  return new Blob(parts);
}
