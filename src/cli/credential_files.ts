import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { StoreOptions } from "../content/store.ts";
import { isJsonObject, type JsonObject } from "../oci/parse_json.ts";
import type { Credentials } from "../stores/registry/credentials.ts";
import { askHelper } from "./credential_helper.ts";

/** Where to look for credentials. */
export interface FindOptions extends StoreOptions {
  /** The repository: Podman keeps credentials for parts of a registry too. */
  repository?: string;
  /** The one file to look in. */
  authfile?: string;
}

/** Under which name Docker keeps the credentials of Docker Hub. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/**
 * Finds a registry's credentials where `docker login` and `podman login` put them: in files, or in
 * the helpers that these name. Undefined where there are none.
 *
 * @throws {Error} where a file that should be there cannot be read
 */
export async function findCredentials(
  host: string,
  { repository = "", authfile, signal }: FindOptions = {},
): Promise<Credentials | undefined> {
  const chosen = authfile ?? process.env.REGISTRY_AUTH_FILE;
  for (const path of chosen ? [chosen] : usualFiles()) {
    const file = await readJson(path, { mustExist: Boolean(chosen) });
    const found = file && await lookIn(file, keysOf(host, repository), signal);
    if (found) return found;
  }
  return undefined;
}

/** Where `podman login` and `docker login` write. */
export function usualFiles(
  { XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG }: Record<string, string | undefined> =
    process.env,
): string[] {
  const home = homedir();
  const session = XDG_RUNTIME_DIR
    ? join(XDG_RUNTIME_DIR, "containers")
    // Podman's own place where there is no session, as for root in most containers.
    : process.platform === "linux"
    ? `/run/containers/${process.getuid!()}`
    : undefined;
  return [
    ...(session === undefined ? [] : [join(session, "auth.json")]),
    join(XDG_CONFIG_HOME || join(home, ".config"), "containers", "auth.json"),
    join(DOCKER_CONFIG || join(home, ".docker"), "config.json"),
  ];
}

/** The names under which credentials may stand, the closest first. */
function keysOf(host: string, repository: string): string[] {
  const parts = repository.split("/");
  const names = [
    ...parts.map((_, i) => `${host}/${parts.slice(0, parts.length - i).join("/")}`),
    host,
  ];
  return host === "docker.io" ? [...names, DOCKER_HUB_KEY, "index.docker.io"] : names;
}

async function lookIn(
  file: JsonObject,
  keys: string[],
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const { auths, credHelpers, credsStore } = file;
  if (isJsonObject(credHelpers)) {
    for (const key of keys) {
      const helper = Object.hasOwn(credHelpers, key) ? credHelpers[key] : undefined;
      if (typeof helper === "string") return await askHelper(helper, key, { signal });
    }
  }
  const entries = isJsonObject(auths) ? Object.entries(auths) : [];
  for (const key of keys) {
    for (const [name, entry] of entries) {
      const isIt = name === key || hostOf(name) === key;
      const found = isIt && isJsonObject(entry) ? readEntry(entry) : undefined;
      if (found) return found;
    }
  }
  if (typeof credsStore !== "string" || credsStore === "") return undefined;
  const server = keys.includes(DOCKER_HUB_KEY) ? DOCKER_HUB_KEY : keys.at(-1)!;
  return await askHelper(credsStore, server, { signal });
}

/** Docker of old wrote whole URLs, `https://ghcr.io/v1/`; of these it and Podman take the host alone. */
function hostOf(name: string): string | undefined {
  return /^https?:\/\/([^/]+)/.exec(name)?.[1];
}

function readEntry(
  { auth, username, password, identitytoken, registrytoken }: JsonObject,
): Credentials | undefined {
  const text = (value: unknown) => typeof value === "string" && value ? value : undefined;
  const [user, secret] = decode(text(auth)) ?? [text(username), text(password)];
  const credentials: Credentials = {
    username: user,
    password: secret,
    identityToken: text(identitytoken),
    registryToken: text(registrytoken),
  };
  return Object.values(credentials).some((value) => value !== undefined) ? credentials : undefined;
}

/** `user:password` out of its base64. */
function decode(auth: string | undefined): [string, string] | undefined {
  if (auth === undefined) return undefined;
  const [, username, password] =
    /^([^:]+):([^]*?)\0*$/.exec(new TextDecoder().decode(bytesOf(auth))) ?? [];
  return username === undefined || password === undefined ? undefined : [username, password];
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

async function readJson(
  path: string,
  { mustExist }: { mustExist: boolean },
): Promise<JsonObject | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    if (!mustExist && (code === "ENOENT" || code === "ENOTDIR")) return undefined;
    throw new Error(`Cannot read credentials in ${path}: ${(error as Error).message}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the file.
  }
  if (isJsonObject(json)) return json;
  throw new Error(`Cannot read credentials in ${path}: it is not a JSON object`);
}
