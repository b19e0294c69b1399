/** A signal that never aborts, and the number of those who listen to it. */
export function countingSignal(): { signal: AbortSignal; listeners: () => number } {
  let listeners = 0;
  const signal = {
    aborted: false,
    throwIfAborted() {},
    addEventListener: () => listeners++,
    removeEventListener: () => listeners--,
  } as unknown as AbortSignal;
  return { signal, listeners: () => listeners };
}
