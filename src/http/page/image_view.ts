/// <reference lib="dom" />
import type { ImageNode } from "../image_tree.ts";
import { archiveUrl, fetchPlan, fetchTree, messageOf, type Plan, ServerError } from "./api.ts";
import { announce, el, icon, problemBox } from "./dom.ts";
import { DownloadView } from "./download_view.ts";
import { formatBytes, nameParts } from "./format.ts";
import { OptionsForm, SKIP_MISSING } from "./options_form.ts";
import { commandList, planFacts } from "./plan_view.ts";
import { formatFragment, type Selection } from "./selection.ts";
import { TreeView } from "./tree_view.ts";

/** Milliseconds to wait for another key before the server is asked. */
const DEBOUNCE = 150;

/** One image: its options, its archive and its tree. */
export class ImageView {
  readonly element: HTMLElement;
  readonly heading: HTMLElement;
  #name: string;
  #query: URLSearchParams;
  #form: OptionsForm | undefined;
  #tree: TreeView | undefined;
  #download: DownloadView | undefined;
  #archive = el("div", { "aria-busy": "true" }, ...skeleton(3));
  #commands = el("div", {}, ...skeleton(3));
  #body = el("div", { class: "cards" });
  /** Ends what was asked of the server for this image. */
  #closed = new AbortController();
  /** Ends what was asked for other options. */
  #planning = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ name, query }: Selection) {
    this.#name = name;
    this.#query = query;
    const { prefix, short, tag } = nameParts(name);
    this.heading = el(
      "h2",
      { tabindex: -1, title: name },
      el("span", { class: "prefix" }, prefix),
      el("span", { class: "short" }, short),
      tag !== "" && el("span", { class: "tag" }, el("span", { class: "unseen" }, ":"), tag),
    );
    const back = el("a", { class: "back", href: "#/" }, icon("back"), "All images");
    this.element = el("article", {}, back, this.heading, this.#body);
    this.#layOut(skeleton(4), skeleton(4));
  }

  /** Asks the server for the tree and the plan, and shows them. */
  async load(): Promise<void> {
    this.#closed = new AbortController();
    const { signal } = this.#closed;
    try {
      const root = await fetchTree(this.#name, signal);
      this.#show(root);
    } catch (error) {
      if (signal.aborted) return;
      const again = el("button", { type: "button", click: () => void this.load() }, "Try again");
      this.#body.replaceChildren(problemBox("This image did not come", messageOf(error), again));
      return;
    }
    await this.#plan();
  }

  /** Stops all that is under way. */
  close(): void {
    clearTimeout(this.#timer);
    this.#closed.abort();
    this.#planning.abort();
    this.#download?.cancel();
  }

  #show(root: ImageNode): void {
    const tree = this.#tree = new TreeView(root);
    const form = this.#form = new OptionsForm(root, this.#query, (query) => this.#choose(query));
    this.#layOut([form.element], [tree.element]);
  }

  #layOut(options: readonly HTMLElement[], contents: readonly HTMLElement[]): void {
    this.#body.replaceChildren(
      card("options", "What goes in", ...options),
      el(
        "div",
        { class: "side" },
        card("archive", "Archive", this.#archive),
        card("run", "Commands", this.#commands),
      ),
      card("contents", "Contents", ...contents),
    );
  }

  #choose(query: URLSearchParams): void {
    this.#query = query;
    history.replaceState(null, "", formatFragment(this.#name, query));
    this.#planning.abort();
    this.#archive.setAttribute("aria-busy", "true");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#plan(), DEBOUNCE);
  }

  async #plan(): Promise<void> {
    const { signal } = this.#planning = new AbortController();
    try {
      const plan = await fetchPlan(this.#name, this.#query, signal);
      this.#showPlan(plan);
    } catch (error) {
      if (signal.aborted) return;
      this.#download?.cancel();
      this.#tree?.include(undefined);
      this.#archive.replaceChildren(
        problemBox("There is no archive with these options", messageOf(error), this.#help(error)),
      );
      this.#commands.replaceChildren(
        el("p", { class: "hint" }, "They come when there is an archive."),
      );
    }
    this.#archive.setAttribute("aria-busy", "false");
  }

  /** The option that helps, as a button. */
  #help(error: unknown): HTMLElement | undefined {
    const helps = error instanceof ServerError && error.code === "BlobNotFoundError" &&
      !this.#query.has(SKIP_MISSING.name);
    return helps
      ? el(
        "button",
        { type: "button", click: () => this.#form?.turnOn(SKIP_MISSING) },
        SKIP_MISSING.label,
      )
      : undefined;
  }

  #showPlan(plan: Plan): void {
    const tree = this.#tree!;
    const url = archiveUrl(this.#name, "tar", this.#query);
    this.#download?.cancel();
    this.#download = new DownloadView(plan, url, {
      onStart: () => tree.reset(),
      onBlob: (digest, isIntact) => tree.judge(digest, isIntact),
    });
    tree.include(new Set(plan.entries.flatMap(({ digest }) => digest ?? [])));
    this.#archive.replaceChildren(planFacts(plan), this.#download.element);
    this.#commands.replaceChildren(commandList(plan, this.#name, this.#query));
    announce(`The archive has ${formatBytes(plan.size)}`);
  }
}

function card(id: string, title: string, ...children: HTMLElement[]): HTMLElement {
  const heading = el("h3", { id: `${id}-title` }, title);
  const attributes = { class: `card ${id}`, "aria-labelledby": `${id}-title` };
  return el("section", attributes, heading, ...children);
}

function skeleton(lines: number): HTMLElement[] {
  return Array.from({ length: lines }, () => el("div", { class: "skeleton" }));
}
