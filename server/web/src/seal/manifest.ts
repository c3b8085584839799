// What a drop holds, as JSON. The twin of crypto/manifest.go: the same fields in
// the same order, byte for byte.

import { utf8 } from './bytes';

export const maxFiles = 99;
export const maxName = 120;
export const maxWhere = 512;
export const maxManifest1 = 16 << 10;
export const maxManifest2 = 48 << 10;
export const maxInteger = 2 ** 53 - 1;
export const maxParts = 999_999;

export interface FileEntry {
  n: number;
  type?: string;
  name?: string;
  size?: number;
  parts?: number;
  sha256?: string;
  details?: string;
  removed?: string[];
}

export interface Manifest {
  drop: string;
  via?: string;
  lang?: string;
  to: string;
  where?: string;
  when?: string;
  chunks?: number;
  files: FileEntry[];
  reply?: string;
}

export function marshal(m: Manifest): Uint8Array {
  const files = m.files.map((f) => ({
    n: f.n, type: f.type || undefined, name: f.name || undefined, size: f.size, parts: f.parts || undefined,
    sha256: f.sha256 || undefined, details: f.details || undefined,
    removed: f.removed && f.removed.length ? f.removed : undefined,
  }));
  const all = {
    v: 1, drop: m.drop, via: m.via || undefined, lang: m.lang || undefined, to: m.to, where: m.where || undefined,
    when: m.when || undefined, chunks: m.chunks, files: files.length ? files : undefined, reply: m.reply,
  };
  const json = JSON.stringify(all).replace(/[\u2028\u2029]/g, (c) => (c === '\u2028' ? '\\u2028' : '\\u2029'));
  return utf8(json + '\n');
}

/** The manifest in at most max bytes. What does not fit is left out in the order
 * in which it can be missed: names first, then files. */
export function fit(m: Manifest, max: number): Uint8Array {
  let b = marshal(m);
  let files = m.files;
  if (b.length > max) {
    files = files.map((f) => ({ ...f, name: '' }));
    b = marshal({ ...m, files });
  }
  while (b.length > max && files.length) {
    files = files.slice(0, -1);
    b = marshal({ ...m, files });
  }
  return b;
}

/** Free text without control characters, of at most max bytes in UTF-8. */
export function clean(s: string, max: number): string {
  let t = s.slice(0, 4 * max)
    .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(^|[^\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '$1\uFFFD');
  t = t.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  const chars = Array.from(t);
  let n = 0;
  let i = 0;
  while (i < chars.length && (n += utf8(chars[i]).length) <= max) i++;
  return chars.slice(0, i).join('').trim();
}
