/** A signal that never aborts, and the number of those who listen to it. */
export function countingSignal(): { signal: AbortSignal; listeners: () => number } {
  // As of a real one, what is removed twice counts once.
  const listeners = new Set<unknown>();
  const signal = {
    aborted: false,
    throwIfAborted() {},
    addEventListener: (_: string, listener: unknown) => listeners.add(listener),
    removeEventListener: (_: string, listener: unknown) => listeners.delete(listener),
  } as unknown as AbortSignal;
  return { signal, listeners: () => listeners.size };
}
