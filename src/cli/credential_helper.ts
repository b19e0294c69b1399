import { spawn } from "node:child_process";
import type { StoreOptions } from "../content/store.ts";
import { isJsonObject } from "../oci/parse_json.ts";
import type { Credentials } from "../stores/registry/credentials.ts";

/** Milliseconds: a helper may have to ask the user for a passphrase. */
const PATIENCE = 120_000;
const MAX_OUTPUT = 1 << 20;

/**
 * Asks a credential helper, `docker-credential-<name> get`, for a server. Undefined where it has
 * nothing for it.
 *
 * Source: [docker-credential-helpers](https://github.com/docker/docker-credential-helpers#development).
 *
 * @throws {Error} where the helper is missing, or fails
 */
export async function askHelper(
  name: string,
  server: string,
  { signal }: StoreOptions = {},
): Promise<Credentials | undefined> {
  signal?.throwIfAborted();
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new Error("Cannot use a credential helper: its name is not that of a program");
  }
  const program = `docker-credential-${name}`;
  const refuse = (why: string) => new Error(`Cannot get credentials from ${program}: ${why}`);
  const { status, output } = await runHelper(program, server, signal).catch((error: Error) => {
    signal?.throwIfAborted();
    throw refuse(error.message);
  });
  if (/credentials not found/.test(output)) return undefined;
  // What it printed may hold the secret.
  if (status !== 0) throw refuse(`it ended with status ${status}`);
  const { Username: username, Secret: secret } = parse(output);
  if (typeof username !== "string" || typeof secret !== "string") {
    throw refuse("its answer has no user and secret");
  }
  return username === "<token>" ? { identityToken: secret } : { username, password: secret };
}

function runHelper(
  program: string,
  server: string,
  signal: AbortSignal | undefined,
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const helper = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"] });
    // Not every helper ends its own helpers, and these may hold its output open: no waiting for that.
    const stop = (why: string) => {
      end();
      helper.kill();
      helper.stdout.destroy();
      reject(new Error(why));
    };
    const abort = () => stop("nobody waits for it any more");
    const timer = setTimeout(stop, PATIENCE, `it took longer than ${PATIENCE / 1000} s`);
    signal?.addEventListener("abort", abort);
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    let output = "";
    helper.stdout.on("data", (chunk) => {
      output += chunk;
      if (output.length > MAX_OUTPUT) stop(`it printed more than ${MAX_OUTPUT} bytes`);
    });
    helper.stdin.on("error", () => {});
    helper.stdin.end(server);
    helper.on("error", (error) => {
      end();
      reject(error);
    });
    helper.on("close", (status) => {
      end();
      resolve({ status, output });
    });
  });
}

function parse(output: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(output);
    return isJsonObject(json) ? json : {};
  } catch {
    return {};
  }
}
