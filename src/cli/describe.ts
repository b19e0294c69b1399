import { CommanderError } from "commander";
import { withoutSecrets } from "./secrets.ts";
import { UsageError } from "./usage.ts";
import { visible } from "./visible.ts";

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
