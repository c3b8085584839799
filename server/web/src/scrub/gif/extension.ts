import { text } from '../bytes';
import { Stream } from '../stream';
import { noteNext, Other, Text } from '../words';
import { blocks } from './blocks';

const gifControl = 0xf9;
const gifApplication = 0xff;
const gifPlainText = 0x01;
const gifComment = 0xfe;

/** extension takes an extension by its label. */
export function extension(s: Stream, label: number): void {
  if (label === gifControl) {
    const b = s.peek(8);
    if (b.length === 8 && b[2] === 4 && b[7] === 0) {
      s.copy(8);
      return;
    }
  }
  if (label === gifApplication) {
    const b = s.peek(14);
    const name = text(b, 3, 14);
    if (b[2] === 11 && (name === 'NETSCAPE2.0' || name === 'ANIMEXTS1.0')) return repeat(s);
  }
  drop(s, label);
}

/** repeat keeps the loop count of this extension and nothing else. */
function repeat(s: Stream): void {
  const head = s.peek(14).slice();
  s.skip(14);
  let some = false;
  for (;;) {
    const b = s.peek(4);
    if (b.length === 0 || b[0] === 0) break;
    if (!some && b.length === 4 && b[0] === 3 && b[1] === 1) {
      some = true;
      s.write(head);
      s.write(b);
    } else s.found(Other);
    s.skip(1 + b[0]);
  }
  s.skip(1);
  if (some) s.write(new Uint8Array(1));
}

/** drop drops an extension and notes what it told. */
function drop(s: Stream, label: number): void {
  s.skip(2);
  switch (label) {
    case gifComment:
    case gifPlainText:
      s.found(Text);
      break;
    case gifApplication:
      noteNext(s, 4 << 10, Other);
      break;
    case gifControl:
      break;
    default:
      s.found(Other);
  }
  blocks(s, (n) => s.skip(n));
}
