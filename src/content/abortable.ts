/** Who waits under a signal. One listener for all of them: adding one for each costs as much again. */
const waiting = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>();

/** The promise's outcome, or the signal's reason as soon as it aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  const rejects = waitingUnder(signal);
  return new Promise((resolve, reject) => {
    rejects.add(reject);
    promise.then((value) => {
      rejects.delete(reject);
      resolve(value);
    }, (error) => {
      rejects.delete(reject);
      reject(error);
    });
  });
}

function waitingUnder(signal: AbortSignal): Set<(reason: unknown) => void> {
  const known = waiting.get(signal);
  if (known) return known;
  const rejects = new Set<(reason: unknown) => void>();
  waiting.set(signal, rejects);
  const abort = () => {
    for (const reject of rejects) reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  return rejects;
}
