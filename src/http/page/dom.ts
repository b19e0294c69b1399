/// <reference lib="dom" />

/** What may stand in an element: other nodes, text, or nothing. Text is never parsed as HTML. */
export type Child = Node | string | false | undefined;

/** Attributes by name; `true` and `false` set or leave out; functions listen to that event. */
export type Attributes = Record<
  string,
  string | number | boolean | undefined | ((event: Event) => void)
>;

/** Makes an element. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== false && child !== undefined));
  return element;
}

/** The element of page.html with this id. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}

/** One of the icons of page.html. They say nothing that the text beside them does not. */
export function icon(name: string): SVGSVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Tells people who listen to the page what others see. */
export function announce(text: string): void {
  byId("announcer").textContent = text;
}

/** A box that says what went wrong and how to go on. */
export function problemBox(title: string, detail: string, ...actions: Child[]): HTMLElement {
  const text = el("div", {}, el("strong", {}, title), el("p", {}, detail), ...actions);
  return el("div", { class: "notice bad", role: "alert" }, icon("alert"), text);
}
