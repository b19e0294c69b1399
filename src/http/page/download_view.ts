/// <reference lib="dom" />
import { messageOf, type Plan } from "./api.ts";
import { announce, el, icon, problemBox } from "./dom.ts";
import { DamagedArchiveError, download } from "./download.ts";
import { BrokenTransferError } from "./fetch_archive.ts";
import { count, formatBytes } from "./format.ts";
import { plainLink } from "./plan_view.ts";
import { openSink, type Sink } from "./save.ts";

/** Milliseconds between two looks at the progress. */
const TICK = 100;

/** Whom a download tells of its blobs, beside the user. */
export interface DownloadListener {
  onStart: () => void;
  onBlob: (digest: string, isIntact: boolean) => void;
}

/** The button that downloads an archive, its progress and its outcome. */
export class DownloadView {
  readonly element: HTMLElement;
  #plan: Plan;
  #url: string;
  #listener: DownloadListener;
  #abort: AbortController | undefined;

  constructor(plan: Plan, url: string, listener: DownloadListener) {
    this.#plan = plan;
    this.#url = url;
    this.#listener = listener;
    this.element = el("div", { class: "download" });
    this.#showStart();
  }

  /** Ends a download that is under way, since what is shown has changed. */
  cancel(): void {
    this.#abort?.abort();
  }

  #showStart(...above: HTMLElement[]): void {
    const start = el(
      "button",
      { type: "button", class: "button primary", click: () => void this.#start() },
      icon("download"),
      "Download and verify",
    );
    const buttons = el("div", { class: "buttons" }, start, plainLink(this.#plan, this.#url));
    const hint = "showSaveFilePicker" in globalThis
      ? "The browser verifies every digest on the way. The plain link leaves that to the server."
      : "The browser keeps the archive until every digest is verified. The plain link does not wait.";
    this.element.replaceChildren(...above, buttons, el("p", { class: "hint" }, hint));
  }

  async #start(): Promise<void> {
    let sink: Sink | undefined;
    try {
      sink = await openSink(this.#plan.filename);
    } catch (error) {
      return this.#showStart(problemBox("The file could not be made", messageOf(error)));
    }
    if (!sink) return;
    const abort = this.#abort = new AbortController();
    this.#listener.onStart();
    const progress = new ProgressView(this.#plan, () => abort.abort());
    this.element.replaceChildren(progress.element);
    progress.cancel.focus();
    const { etag, size, entries } = this.#plan;
    try {
      const report = await download(
        { url: this.#url, etag, size, offsets: entries.map(({ offset }) => offset) },
        sink,
        {
          signal: abort.signal,
          onBytes: (bytes) => progress.bytes = bytes,
          onBlob: (digest) => {
            progress.blobs++;
            this.#listener.onBlob(digest, true);
          },
          onResume: (bytes) => progress.resume(bytes),
        },
      );
      this.#showStart(verified(report.blobs, sink.outcome));
    } catch (error) {
      this.#showStart(abort.signal.aborted ? cancelled() : this.#failed(error));
    } finally {
      progress.stop();
      this.#abort = undefined;
    }
    // The button that had the focus is gone.
    this.element.querySelector<HTMLElement>(".notice")?.focus();
  }

  #failed(error: unknown): HTMLElement {
    const damage = this.#damageOf(error);
    if (damage?.digest) this.#listener.onBlob(damage.digest, false);
    const title = damage ? "The archive is damaged" : "The download failed";
    const detail = damage?.detail ?? messageOf(error);
    const box = problemBox(title, detail, el("p", {}, "No file was kept."));
    box.tabIndex = -1;
    return box;
  }

  /** What the server has in a blob's place, or not at all; undefined where that is not at fault. */
  #damageOf(error: unknown): { detail: string; digest: string | undefined } | undefined {
    if (error instanceof DamagedArchiveError) {
      return { detail: error.message, digest: error.digest };
    }
    if (!(error instanceof BrokenTransferError && error.isAnswered)) return undefined;
    const entry = this.#plan.entries.findLast(({ offset }) => offset <= error.bytes);
    const name = entry?.digest ?? entry?.name;
    const detail = `The server cannot give the whole of ${name}: it is missing or damaged.`;
    return { detail, digest: entry?.digest };
  }
}

function verified(blobs: number, outcome: string): HTMLElement {
  const title = `Verified: ${count(blobs, "blob")}, every digest right`;
  announce(`${title}. ${outcome}`);
  const text = el("div", {}, el("strong", {}, title), el("p", {}, outcome));
  return el("div", { class: "notice good", tabindex: -1 }, icon("check"), text);
}

function cancelled(): HTMLElement {
  announce("Cancelled. No file was kept.");
  return el("div", { class: "notice", tabindex: -1 }, el("p", {}, "Cancelled. No file was kept."));
}

/** How far a download has come. */
class ProgressView {
  readonly element: HTMLElement;
  readonly cancel: HTMLButtonElement;
  bytes = 0;
  blobs = 0;
  #plan: Plan;
  #bar: HTMLProgressElement;
  #text = el("p", { class: "numbers" });
  #note = el("p", { class: "hint" });
  #timer: ReturnType<typeof setInterval>;
  #since = performance.now();
  #announced = 0;

  constructor(plan: Plan, onCancel: () => void) {
    this.#plan = plan;
    this.cancel = el("button", { type: "button", class: "button", click: onCancel }, "Cancel");
    this.#bar = el("progress", { max: plan.size, value: 0, "aria-label": "Download" });
    this.element = el("div", { class: "progress" }, this.#bar, this.#text, this.#note, this.cancel);
    this.#timer = setInterval(() => this.#show(), TICK);
    this.#show();
  }

  /** Tells of a break, and where it goes on. */
  resume(bytes: number): void {
    const isNews = this.#note.textContent === "";
    this.#note.textContent = `The connection broke; going on at ${formatBytes(bytes)}.`;
    if (isNews) announce(this.#note.textContent);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #show(): void {
    const { size, entries } = this.#plan;
    const all = entries.filter(({ digest }) => digest).length;
    const seconds = (performance.now() - this.#since) / 1000;
    const speed = seconds > 0.5 ? ` at ${formatBytes(Math.round(this.bytes / seconds))}/s` : "";
    this.#bar.value = this.bytes;
    this.#text.replaceChildren(
      el("span", {}, `${formatBytes(this.bytes)} of ${formatBytes(size)}${speed}`),
      el("span", {}, `${this.blobs} of ${count(all, "blob")} verified`),
    );
    const quarter = Math.floor(4 * this.bytes / size);
    if (quarter > this.#announced && quarter < 4) announce(`${quarter * 25} percent`);
    this.#announced = quarter;
  }
}
