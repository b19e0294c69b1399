/** Wrong use of the command, which exits with status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An error that names what could not be read; a runtime's own says at most why. */
export function cannotRead(name: string, cause: unknown): Error {
  return new Error(`Cannot read ${name}: ${why(cause)}`, { cause });
}

/** As the stores say it; else by the error behind the error: fetch's own is "fetch failed". */
function why(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return why(error.cause);
  switch ((error as { code?: string }).code) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file; check the path";
    case "EISDIR":
      return "it is a directory; name a file in it";
    default:
      return error.message;
  }
}
