/// <reference lib="dom" />
import { isIndexType } from "../../oci/media_type.ts";
import type { Plan } from "./api.ts";
import { archiveUrl } from "./api.ts";
import { copyButton } from "./clipboard.ts";
import { commandsFor } from "./commands.ts";
import { el, icon } from "./dom.ts";
import { count, exactBytes, formatBytes } from "./format.ts";

/** What the archive will be: its size, its ETag and how many blobs are in it. */
export function planFacts({ size, etag, entries, filename }: Plan): HTMLElement {
  const blobs = entries.filter(({ digest }) => digest).length;
  return el(
    "dl",
    { class: "plan" },
    el(
      "div",
      { class: "total" },
      el("dt", {}, "Size"),
      el("dd", {}, el("strong", {}, formatBytes(size)), el("span", {}, exactBytes(size))),
    ),
    el(
      "div",
      {},
      el("dt", {}, "ETag"),
      el("dd", { class: "etag" }, el("code", {}, etag), copyButton("the ETag", etag)),
    ),
    el("div", {}, el("dt", {}, "File"), el("dd", {}, filename)),
    el(
      "div",
      {},
      el("dt", {}, "Inside"),
      el("dd", {}, `${count(blobs, "blob")} in ${entries.length} entries`),
    ),
  );
}

/** The commands for the archive, each with a button that copies it. */
export function commandList(plan: Plan, name: string, query: URLSearchParams): HTMLElement {
  const url = archiveUrl(name, "tar", query);
  const commands = commandsFor({
    url,
    filename: plan.filename,
    platforms: query.has("all-platforms") ? [] : query.get("platform")?.split(",") ?? [],
    isIndex: plan.roots.some(({ mediaType }) => isIndexType(mediaType)),
    hasManifestJson: plan.entries.some(({ name }) => name === "manifest.json"),
  });
  return el(
    "ul",
    { class: "commands" },
    ...commands.map(({ tool, text, hint }) =>
      el(
        "li",
        {},
        el("div", { class: "tool" }, el("h4", {}, tool), copyButton(`the ${tool} command`, text)),
        // Can be scrolled, so it must be reachable by keyboard.
        el("pre", { tabindex: 0, role: "group", "aria-label": `${tool} command` }, text),
        hint !== "" && el("p", { class: "hint" }, hint),
      )
    ),
  );
}

/** The archive's address as a plain link, for browsers and people who want no checks. */
export function plainLink({ filename }: Plan, url: string): HTMLAnchorElement {
  return el(
    "a",
    { class: "button plain", href: url, download: filename },
    icon("link"),
    "Plain link",
  );
}
