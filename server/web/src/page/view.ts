// What the witness sees. The sentences are in the page, in templates, in the
// witness's language; here they are only shown, and their {places} filled.

const placeOf = /\{(\w+)\}/;

/** Puts values into the {places} of an element's text, apart from the writing
 * direction around them. */
export function fill(e: Element, values: Record<string, string | number>): void {
  const text = e.getAttribute('data-text') || e.textContent || '';
  e.setAttribute('data-text', text);
  e.textContent = '';
  text.split(/(\{\w+\})/).forEach((piece) => {
    const m = placeOf.exec(piece);
    if (!m) {
      e.appendChild(document.createTextNode(piece));
      return;
    }
    const bdi = document.createElement('bdi');
    bdi.setAttribute('translate', 'no'); // it can be the name of a file
    bdi.textContent = String(values[m[1]] === undefined ? '' : values[m[1]]);
    e.appendChild(bdi);
  });
}

export function find<T extends HTMLElement>(selector: string, inside: ParentNode = document): T {
  const e = inside.querySelector<T>(selector);
  if (!e) throw new Error('the page lacks ' + selector);
  return e;
}

export function copyOf(template: string): DocumentFragment {
  return document.importNode(find<HTMLTemplateElement>('#' + template).content, true);
}

export function hide(e: HTMLElement, hidden = true): void {
  if (e.hidden !== hidden) e.hidden = hidden;
}

/** Replaces what is below the header by a view, and says so to screen readers. */
export function show(template: string): HTMLElement {
  const main = find('main');
  main.textContent = '';
  main.appendChild(copyOf(template));
  document.body.setAttribute('data-state', template);
  const h = find('h1', main);
  h.tabIndex = -1;
  h.focus();
  window.scrollTo(0, 0);
  return main;
}

/** Megabytes for people: one decimal below ten. */
export function mb(bytes: number): string {
  const n = bytes / 1e6;
  return n < 10 ? (Math.ceil(n * 10) / 10).toFixed(1).replace('.0', '') : String(Math.round(n));
}
