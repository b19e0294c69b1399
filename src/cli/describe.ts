import { CommanderError } from "commander";
import {
  BlobNotFoundError,
  DigestMismatchError,
  InvalidLayoutError,
  SizeMismatchError,
} from "../errors.ts";
import { RegistryError, UploadError } from "../errors/remote.ts";
import { withoutSecrets } from "./secrets.ts";
import { UsageError } from "./usage.ts";
import { visible } from "./visible.ts";

/**
 * An error as one line that says what to do; no stack.
 *
 * @param skipMissing how who reads it leaves out what is missing
 */
export function describe(error: unknown, skipMissing = "--skip-missing"): string {
  if (error instanceof CommanderError && error.code === "commander.help") {
    return "no command given; see oci-archive --help";
  }
  const message = error instanceof Error ? withAdvice(error, skipMissing) : String(error);
  const oneLine = message.replaceAll(/\s*\n\s*/g, " ").replace(/^error: /, "");
  const line = visible(withoutSecrets(oneLine));
  return error instanceof CommanderError || error instanceof UsageError
    ? `${line}; see oci-archive --help`
    : line;
}

/** Tells what to do, where the message does not yet: the library does not know who reads it. */
function withAdvice(error: Error, skipMissing: string): string {
  const { message } = error;
  const advice = message.includes("; ") ? undefined : adviceOn(error, skipMissing);
  return advice === undefined ? message : `${message}; ${advice}`;
}

function adviceOn(error: Error, skipMissing: string): string | undefined {
  if (error instanceof DigestMismatchError || error instanceof SizeMismatchError) {
    return "the source is damaged: copy the image there again, or take another";
  }
  if (error instanceof BlobNotFoundError) {
    return `copy the image there again, or leave out what is missing by ${skipMissing}`;
  }
  if (error instanceof InvalidLayoutError) {
    return "name a folder, or an archive, that holds oci-layout and index.json";
  }
  if (error instanceof UploadError) {
    return "check the URL and who may write there, or try again";
  }
  if (error instanceof RegistryError) {
    return "check the name, and that the registry can be reached, or try again later";
  }
  return undefined;
}

/** An error with its stack and its causes, and no more secrets than in its line. */
export async function describeInFull(error: unknown): Promise<string> {
  const { inspect } = await import("node:util");
  return withoutSecrets(inspect(error)).split("\n").map(visible).join("\n");
}
