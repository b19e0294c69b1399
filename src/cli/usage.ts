import { CommanderError } from "commander";
import { withoutSecrets } from "./secrets.ts";
import { visible } from "./visible.ts";

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
  const oneLine = message.replaceAll(/\s*\n\s*/g, " ").replace(/^error: /, "");
  const line = visible(withoutSecrets(oneLine));
  return error instanceof CommanderError || error instanceof UsageError
    ? `${line}; see oci-archive --help`
    : line;
}

/** An error with its stack and its causes, and no more secrets than in its line. */
export async function describeInFull(error: unknown): Promise<string> {
  const { inspect } = await import("node:util");
  return withoutSecrets(inspect(error)).split("\n").map(visible).join("\n");
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
