/** Wrong use of the command, which exits with status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An error that names what could not be read; a runtime's own says at most why. */
export function cannotRead(name: string, cause: unknown): Error {
  return new Error(`Cannot read ${name}: ${rootOf(cause)}`, { cause });
}

/** The message of the error behind the error: fetch's own is "fetch failed". */
function rootOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootOf(error.cause) : error.message;
}
