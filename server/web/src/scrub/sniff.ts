import { Bytes, has, index, text } from './bytes';

/** SniffLen is how many bytes from the start of a file sniff looks at, at most. */
export const SniffLen = 512;

const UnknownType = 'application/octet-stream';

/**
 * groupOf names the script that cleans files of a type, scrub-<group>. It returns nothing for types that cannot be
 * cleaned.
 */
export function groupOf(type: string): string | undefined {
  switch (type) {
    case 'image/jpeg':
      return 'jpeg';
    case 'image/png':
    case 'image/gif':
    case 'image/webp':
      return 'picture';
    case 'image/heic':
    case 'image/avif':
    case 'video/mp4':
    case 'video/quicktime':
    case 'video/3gpp':
    case 'video/3gpp2':
    case 'audio/mp4':
      return 'isobmff';
    case 'video/webm':
    case 'video/x-matroska':
      return 'matroska';
    case 'audio/mpeg':
    case 'audio/ogg':
    case 'audio/wav':
    case 'audio/flac':
      return 'sound';
  }
  return undefined;
}

/** sniff returns the media type of a file that starts with these bytes, as Go's Sniff does. */
export function sniff(head: Bytes): string {
  const b = head.subarray(0, SniffLen);
  if (b.length >= 12 && has(b, 'ftyp', 4)) return sniffBrand(b);
  if (has(b, '\x1aE\xdf\xa3')) return index(b, 'matroska') >= 0 ? 'video/x-matroska' : 'video/webm';
  if (has(b, 'OggS')) return 'audio/ogg';
  if (has(b, 'fLaC')) return 'audio/flac';
  if (has(b, '#!AMR')) return 'audio/amr';
  if (has(b, 'WAVE', 8) && (has(b, 'RIFF') || has(b, 'RF64') || has(b, 'BW64'))) return 'audio/wav';
  if (b.length > 3 && b[0] === 0xff && (b[1] & 0xe6) === 0xe2) return 'audio/mpeg';
  if (b[0] < 0x20 && ['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'].some((t) => has(b, t, 4))) {
    return 'video/quicktime';
  }
  return detect(b);
}

function sniffBrand(b: Bytes): string {
  const end = Math.min(b.length, Math.max(12, (b[2] << 8) | b[3]));
  let fallback = 'video/mp4';
  for (let i = 8; i + 4 <= end; i += 4) {
    if (i === 12) continue;
    const brand = text(b, i, i + 4);
    const three = brand.slice(0, 3);
    if (brand === 'heic' || brand === 'heix' || brand === 'hevc') return 'image/heic';
    if (brand === 'avif' || brand === 'avis') return 'image/avif';
    if (brand === 'mif1' || brand === 'msf1') fallback = 'image/heic';
    if (brand === 'qt  ') return 'video/quicktime';
    if (three === 'M4A' || brand === 'M4B ') return 'audio/mp4';
    if (three === '3gp' && i === 8) return 'video/3gpp';
    if (three === '3g2' && i === 8) return 'video/3gpp2';
    if (brand === 'mp41' || brand === 'mp42' || three === 'iso' || three === 'M4V') return 'video/mp4';
  }
  return fallback;
}

// Starts of files, where * is any byte.
const starts: [string, string][] = [
  ['PK\x03\x04', 'application/zip'],
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  ['\xfe\xff**', 'text/plain'],
  ['\xff\xfe**', 'text/plain'],
  ['\xef\xbb\xbf*', 'text/plain'],
  ['\0\0\x01\0', 'image/x-icon'],
  ['\0\0\x02\0', 'image/x-icon'],
  ['BM', 'image/bmp'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['RIFF****WEBPVP', 'image/webp'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['FORM****AIFF', 'audio/aiff'],
  ['ID3', 'audio/mpeg'],
  ['MThd\0\0\0\x06', 'audio/midi'],
  ['RIFF****AVI ', 'video/avi'],
  ['*'.repeat(34) + 'LP', 'application/vnd.ms-fontobject'],
  ['\0\x01\0\0', 'font/ttf'],
  ['OTTO', 'font/otf'],
  ['ttcf', 'font/collection'],
  ['wOFF', 'font/woff'],
  ['wOF2', 'font/woff2'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
  ['Rar!\x1a\x07\0', 'application/x-rar-compressed'],
  ['Rar!\x1a\x07\x01\0', 'application/x-rar-compressed'],
  ['\0asm', 'application/wasm'],
];

/** detect is what Go's http.DetectContentType knows, without parameters. */
function detect(b: Bytes): string {
  const t = text(b, 0, SniffLen);
  const words = t.replace(/^[\t\n\f\r ]+/, '');
  if (/^<(!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P|!--)[ >]/i.test(words)) {
    return 'text/html';
  }
  if (words.slice(0, 5) === '<?xml') return 'text/xml';
  for (const [start, type] of starts) {
    if (t.length >= start.length && start.split('').every((c, i) => c === '*' || c === t[i])) return type;
  }
  return /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(words) ? UnknownType : 'text/plain';
}
