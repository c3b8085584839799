// Leaving: what was typed, chosen, and kept to seal with must not stay in the
// page.

import { find } from './view';

const wipers = new Set<() => void>();

function wipe(): void {
  wipers.forEach((f) => f());
  wipers.clear();
  document.querySelectorAll<HTMLInputElement>('input, textarea')
    .forEach((e) => (e.value = e.type === 'radio' ? e.value : ''));
  find('main').textContent = '';
}

export const leave = {
  /** Calls f before the page goes away. */
  wiping(f: () => void): void {
    wipers.add(f);
  },
  /** Nothing is left to wipe. */
  wiped(): void {
    wipers.clear();
  },
};

const exit = find<HTMLAnchorElement>('a.exit');
exit.addEventListener('click', (e) => {
  e.preventDefault();
  wipe();
  location.replace(exit.href); // replaces this page in the history of the back button
});
window.addEventListener('pagehide', wipe);
window.addEventListener('pageshow', (e) => {
  if (e.persisted) location.reload(); // a copy from the browser's cache for the back button, wiped
});
