// What workers have, and TypeScript's library for pages lacks.
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
