/// <reference lib="dom" />
import { isIndexType } from "../../oci/media_type.ts";
import type { ImageNode } from "../image_tree.ts";
import { el, icon } from "./dom.ts";
import { exactBytes, formatBytes } from "./format.ts";
import { kindOf, titleOf, totalSize } from "./image_facts.ts";

/** An image's tree as nested lists, which any keyboard and screen reader can walk. */
export class TreeView {
  readonly element: HTMLElement;
  #rows = new Map<string, Set<HTMLElement>>();
  #included: ReadonlySet<string> | undefined;
  /** Of the blobs that have arrived: whether each is what its digest says. */
  #verdicts = new Map<string, boolean>();
  #largest: number;

  constructor(root: ImageNode) {
    this.#largest = Math.max(1, ...leavesOf(root).map(({ size }) => size));
    this.element = el("ul", { class: "tree" }, this.#item(root, 0, true));
  }

  /** Shows which blobs are in the archive; undefined while nobody knows. */
  include(digests: ReadonlySet<string> | undefined): void {
    this.#included = digests;
    this.reset();
  }

  /** Shows that a blob has arrived, and whether it is what its digest says. */
  judge(digest: string, isIntact: boolean): void {
    this.#verdicts.set(digest, isIntact);
    for (const row of this.#rows.get(digest) ?? []) this.#mark(row, digest);
  }

  /** Forgets what has arrived, for another download. */
  reset(): void {
    this.#verdicts.clear();
    this.#markAll();
  }

  #markAll(): void {
    for (const [digest, rows] of this.#rows) for (const row of rows) this.#mark(row, digest);
  }

  #mark(row: HTMLElement, digest: string): void {
    const isOut = this.#included !== undefined && !this.#included.has(digest);
    const isIntact = this.#verdicts.get(digest);
    row.classList.toggle("out", isOut);
    row.classList.toggle("verified", isIntact === true);
    row.classList.toggle("damaged", isIntact === false);
    const verdict = isIntact === undefined ? "" : isIntact ? "verified" : "damaged";
    row.querySelector(".mark")!.textContent = isOut ? "left out" : verdict;
  }

  #item(node: ImageNode, position: number, isOpen: boolean): HTMLLIElement {
    const row = this.#row(node, position);
    const { children } = node;
    if (!children?.length) return el("li", {}, row);
    const list = el("ul");
    const details = el("details", { open: isOpen }, el("summary", {}, row), list);
    const fill = () => {
      if (!details.open || list.firstChild) return;
      let layers = 0;
      list.append(
        ...children.map((child) =>
          this.#item(child, child.role === "layer" ? ++layers : 0, children.length === 1)
        ),
      );
    };
    // What nobody opens is not made: an image may have thousands of layers.
    details.addEventListener("toggle", fill);
    fill();
    return el("li", {}, details);
  }

  #row(node: ImageNode, position: number): HTMLElement {
    const { digest, mediaType, size, children, problem, role } = node;
    const total = children ? totalSize(node) : size;
    const row = el(
      "span",
      { class: `row ${kindOf(node)}` },
      icon(kindOf(node)),
      el(
        "span",
        { class: "title" },
        titleOf(node, position),
        " ",
        el("span", { class: "mark" }),
      ),
      el("span", { class: "size", title: exactBytes(total) }, formatBytes(total)),
      el(
        "span",
        { class: "facts", title: `${mediaType}\n${digest}\n${exactBytes(size)}` },
        el("code", {}, digest),
        el("span", { class: "type" }, shortType(mediaType)),
      ),
      problem && el("span", { class: "trouble" }, problem.detail),
    );
    if (role === "layer") {
      const share = el("span", { class: "share" });
      share.style.setProperty("--share", String(size / this.#largest));
      row.append(share);
    }
    if (!this.#rows.has(digest)) this.#rows.set(digest, new Set());
    this.#rows.get(digest)!.add(row);
    this.#mark(row, digest);
    return row;
  }
}

function leavesOf(node: ImageNode): ImageNode[] {
  return isIndexType(node.mediaType) || node.children
    ? (node.children ?? []).flatMap(leavesOf)
    : [node];
}

/** The part of a media type that tells one blob of an image from another. */
function shortType(mediaType: string): string {
  return mediaType.replace(/^application\/(?:vnd\.(?:oci\.(?:image\.)?|docker\.)?)?/, "");
}
