/// <reference lib="dom" />
import { isIndexType } from "../../oci/media_type.ts";
import type { ListedImage } from "../listing.ts";
import { fetchImages, messageOf } from "./api.ts";
import { announce, byId, el, icon, problemBox } from "./dom.ts";
import { count, nameParts } from "./format.ts";
import { formatFragment } from "./selection.ts";

/** More than these are not shown at once: nobody reads them, and browsers get slow. */
const MAX_SHOWN = 300;

/** The list of images, and the search above it. */
export class ImageList {
  #search = byId<HTMLInputElement>("search");
  #state = byId("list-state");
  #list = byId<HTMLUListElement>("images");
  #images: readonly ListedImage[] | undefined;
  #selected: string | undefined;

  constructor() {
    this.#search.addEventListener("input", () => this.#show());
    byId("list").addEventListener("keydown", (event) => this.#move(event));
  }

  /** Whether the server has said that there are none. */
  get isEmpty(): boolean {
    return this.#images?.length === 0;
  }

  /** Asks the server which images there are. */
  async load(): Promise<void> {
    this.#images = undefined;
    this.#list.replaceChildren(...Array.from({ length: 5 }, () => el("li", { class: "skeleton" })));
    this.#state.textContent = "Loading the images …";
    try {
      this.#images = await fetchImages();
      this.#show();
    } catch (error) {
      this.#list.replaceChildren();
      const again = el("button", { type: "button", click: () => void this.load() }, "Try again");
      this.#state.replaceChildren(
        problemBox("The list of images did not come", messageOf(error), again),
      );
    }
  }

  /** Marks the image that is shown beside the list. */
  select(name: string | undefined): void {
    this.#selected = name;
    for (const link of this.#list.querySelectorAll("a")) {
      if (link.dataset.name === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  #show(): void {
    const images = this.#images;
    if (!images) return;
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = images.filter(({ name }) =>
      words.every((word) => name.toLowerCase().includes(word))
    );
    const shown = found.slice(0, MAX_SHOWN);
    const asked = this.#search.value.trim();
    const isListed = images.some(({ name }) => name === asked);
    this.#list.replaceChildren(
      ...shown.map((image) => this.#item(image)),
      ...asked && !isListed && found.length === 0 ? [lookUp(asked)] : [],
    );
    this.select(this.#selected);
    const state = images.length === 0
      ? "There are no images here yet."
      : found.length === 0
      ? "None of the listed images has this name."
      : words.length === 0
      ? count(images.length, "image")
      : `${found.length} of ${count(images.length, "image")}`;
    const more = found.length > shown.length ? `, the first ${MAX_SHOWN} shown` : "";
    this.#state.textContent = state + more;
    if (words.length > 0) announce(state);
  }

  #item({ name, mediaType }: ListedImage): HTMLLIElement {
    const { prefix, short, tag } = nameParts(name);
    const link = el(
      "a",
      { href: formatFragment(name), "data-name": name, title: name },
      icon(isIndexType(mediaType) ? "index" : "manifest"),
      el(
        "span",
        { class: "name" },
        el("span", { class: "prefix" }, prefix),
        el("span", { class: "short" }, short),
        tag !== "" && el("span", { class: "tag" }, el("span", { class: "unseen" }, ":"), tag),
      ),
    );
    return el("li", {}, link);
  }

  /** Arrow keys go from the search through the list and back. */
  #move(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    const stops = [this.#search, ...this.#list.querySelectorAll("a")];
    const next = stops[stops.indexOf(document.activeElement as HTMLAnchorElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

/** An image that is not listed may still be found: the server may ask a registry. */
function lookUp(name: string): HTMLLIElement {
  const text = el("span", { class: "name" }, "Ask the server for ", el("strong", {}, name));
  return el("li", {}, el("a", { href: formatFragment(name) }, icon("search"), text));
}
