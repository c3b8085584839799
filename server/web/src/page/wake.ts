// Keeps the screen on while something is sent, where the phone knows how.

interface Lock {
  release(): Promise<void>;
}

/** Returns how to let the screen sleep again. */
export function awake(): () => void {
  const nav = navigator as unknown as { wakeLock?: { request(type: 'screen'): Promise<Lock> } };
  let lock: Lock | undefined;
  let over = false;
  const ask = () => {
    if (!nav.wakeLock || document.visibilityState !== 'visible') return;
    nav.wakeLock.request('screen').then(
      (l) => {
        if (over) l.release();
        else lock = l;
      },
      () => undefined, // the battery is low, say
    );
  };
  document.addEventListener('visibilitychange', ask); // browsers release the lock when the page is hidden
  ask();
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', ask);
    if (lock) lock.release();
  };
}
