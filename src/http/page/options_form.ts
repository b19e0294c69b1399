/// <reference lib="dom" />
import type { ImageNode } from "../image_tree.ts";
import { el } from "./dom.ts";
import { count, formatBytes } from "./format.ts";
import { countReferrers, platformsOf } from "./image_facts.ts";

/** A flag of the export, as the query has it. */
interface Flag {
  name: string;
  label: string;
  hint: string;
}

/** The flag that helps where manifests are missing. */
export const SKIP_MISSING: Flag = {
  name: "skip-missing",
  label: "Leave out what the store lacks",
  hint: "Else a missing manifest stops the export",
};

/** The form for platforms and options: it reads a query, and writes one. */
export class OptionsForm {
  readonly element: HTMLFormElement;

  /** @param onChange gets the query of what is chosen now */
  constructor(root: ImageNode, query: URLSearchParams, onChange: (query: URLSearchParams) => void) {
    const changed = () => onChange(this.query);
    this.element = el(
      "form",
      { class: "options", input: changed, submit: (event) => event.preventDefault() },
      platformFields(root),
      el(
        "fieldset",
        {},
        el("legend", {}, "Options"),
        el("div", { class: "flags" }, ...flagsOf(root).map(flagField)),
      ),
      el(
        "label",
        { class: "field" },
        el("span", {}, "Name in the archive"),
        el("input", {
          name: "name",
          type: "text",
          autocomplete: "off",
          spellcheck: "false",
          placeholder: "as it is",
        }),
      ),
    );
    this.#read(query);
  }

  /** What is chosen, in an order of its own, so that the same choice is the same address. */
  get query(): URLSearchParams {
    const data = new FormData(this.element);
    const query = new URLSearchParams();
    const platforms = data.getAll("platform");
    if (platforms.length > 0) query.set("platform", platforms.join(","));
    for (const [key, value] of data) {
      if (key !== "platform" && value !== "") query.set(key, key === "name" ? String(value) : "");
    }
    return query;
  }

  /** Sets a flag, as a click does. */
  turnOn({ name }: Flag): void {
    const box = this.element.elements.namedItem(name) as HTMLInputElement;
    box.checked = true;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #read(query: URLSearchParams): void {
    const platforms = query.getAll("platform").flatMap((text) => text.split(","));
    for (const input of this.element.querySelectorAll("input")) {
      const { name } = input;
      if (name === "name") input.value = query.get(name) ?? "";
      else if (name === "platform") input.checked = platforms.includes(input.value);
      else input.checked = query.has(name) && !/^(?:0|false)$/.test(query.get(name)!);
    }
  }
}

function platformFields(root: ImageNode): HTMLElement | undefined {
  const platforms = platformsOf(root);
  if (platforms.length === 0) return undefined;
  return el(
    "fieldset",
    { "aria-describedby": "platform-hint" },
    el("legend", {}, "Platforms"),
    el("p", { class: "hint", id: "platform-hint" }, "Choose some, or none for all of them."),
    el(
      "div",
      { class: "chips" },
      ...platforms.map(({ platform, size }) =>
        el(
          "label",
          { class: "chip" },
          el("input", { type: "checkbox", name: "platform", value: platform }),
          el(
            "span",
            {},
            platform,
            " ",
            el("small", {}, size === undefined ? "missing" : formatBytes(size)),
          ),
        )
      ),
    ),
  );
}

function flagsOf(root: ImageNode): Flag[] {
  const referrers = countReferrers(root);
  const isIndex = platformsOf(root).length > 0;
  return [
    {
      name: "referrers",
      label: "Signatures and other referrers",
      hint: referrers > 0 ? `${count(referrers, "referrer")} found` : "None found for this image",
    },
    ...isIndex
      ? [{
        name: "all-platforms",
        label: "Keep the other platforms too",
        hint: "A chosen platform then only decides what docker load takes",
      }]
      : [],
    SKIP_MISSING,
    {
      name: "skip-non-distributable",
      label: "Leave out non-distributable layers",
      hint: "Such as the base layers of Windows",
    },
    {
      name: "skip-manifest-json",
      label: "Leave out manifest.json",
      hint: "docker load needs it before Docker 25",
    },
  ];
}

function flagField({ name, label, hint }: Flag): HTMLElement {
  const id = `flag-${name}`;
  return el(
    "div",
    { class: "flag" },
    el("input", { type: "checkbox", id, name, value: "1", "aria-describedby": `${id}-hint` }),
    el("label", { for: id }, label),
    el("p", { class: "hint", id: `${id}-hint` }, hint),
  );
}
