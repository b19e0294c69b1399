import { CommanderError } from "commander";

/** Wrong use of the command, which exits with status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An error as one line that says what to do; no stack. */
export function describe(error: unknown): string {
  if (error instanceof CommanderError && error.code === "commander.help") {
    return "no command given; see oci-archive --help";
  }
  const message = error instanceof Error ? error.message : String(error);
  const line = message.replaceAll(/\s*\n\s*/g, " ").replace(/^error: /, "");
  return error instanceof CommanderError || error instanceof UsageError
    ? `${line}; see oci-archive --help`
    : line;
}
