/// <reference lib="dom" />
import type { PlanJson } from "../../archive/plan_json.ts";
import type { ImageNode } from "../image_tree.ts";
import type { ListedImage } from "../listing.ts";

/** An archive before its bytes. */
export type Plan = PlanJson & { filename: string };

/** A refusal of the server, in its own words. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly status: number;
  /** The class of the server's error, where it says. */
  readonly code: string | undefined;
  constructor(status: number, detail: string, code?: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** The images that the server lists. */
export function fetchImages(): Promise<ListedImage[]> {
  return fetchJson("archives");
}

/** Everything that there is of an image. */
export function fetchTree(name: string, signal: AbortSignal): Promise<ImageNode> {
  return fetchJson(archiveUrl(name, "tree"), signal);
}

/** The archive with these options: its size, its ETag and its entries. */
export function fetchPlan(
  name: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<Plan> {
  return fetchJson(archiveUrl(name, "json", query), signal);
}

/** Names that no URL parser changes: these need no escapes, and read better. */
const PLAIN_NAME = /^(?!\/|.*\/(?:\/|$)|(?:.*\/)?\.{1,2}(?:\/|$))[\w.:@/-]+$/;

/** Where the server has this, in full. */
export function archiveUrl(
  name: string,
  form: "tar" | "json" | "tree",
  query?: URLSearchParams,
): string {
  // As in the command line, a flag has no value and a platform its slash.
  const search = query?.size
    ? `?${String(query).replaceAll("%2F", "/").replaceAll("%3A", ":").replace(/=(?=&|$)/g, "")}`
    : "";
  const base = document.baseURI.replace(/[?#].*$/, "");
  const path = PLAIN_NAME.test(name) ? name : encodeURIComponent(name);
  return new URL(`archives/${path}.${form}${search}`, base).href;
}

async function fetchJson<Value>(url: string, signal?: AbortSignal): Promise<Value> {
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (!response.ok) throw await serverError(response);
  return await response.json();
}

/** What the server says of its refusal. */
export async function serverError(response: Response): Promise<ServerError> {
  const { status, statusText } = response;
  const { detail, code } = await response.json().catch(() => ({}));
  return new ServerError(status, detail ?? `The server answered ${status} ${statusText}`, code);
}

/** An error's text for people; of browsers' network errors nothing can be learnt. */
export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return "The server cannot be reached.";
  return error instanceof Error ? error.message : String(error);
}
