/// <reference lib="dom" />
import { announce, el, icon } from "./dom.ts";

/** A button that copies a text, and says so. */
export function copyButton(what: string, text: string): HTMLButtonElement {
  const label = el("span", {}, "Copy");
  const copy = async () => {
    const done = await copyText(text) ? "Copied" : "Not copied";
    label.textContent = done;
    announce(`${done}: ${what}`);
    setTimeout(() => label.textContent = "Copy", 2000);
  };
  const attributes = { type: "button", class: "copy", "aria-label": `Copy ${what}`, click: copy };
  return el("button", attributes, icon("copy"), label);
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Without HTTPS browsers have no clipboard API, only this. */
function copyBySelection(text: string): boolean {
  const active = document.activeElement as HTMLElement | null;
  const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  active?.focus();
  return done;
}
