/// <reference lib="dom" />
/**
 * The page for people: pick an image, see what is in it, choose, and download it verified.
 *
 * @module
 */
import { byId, el, icon } from "./dom.ts";
import { ImageList } from "./image_list.ts";
import { ImageView } from "./image_view.ts";
import { parseFragment } from "./selection.ts";

const main = byId("main");
const list = new ImageList();
const title = document.title;
let view: ImageView | undefined;

function nothingPicked(): HTMLElement {
  return el(
    "div",
    { class: "empty" },
    icon("index"),
    el("h2", {}, list.isEmpty ? "No images yet" : "Pick an image"),
    el(
      "p",
      {},
      list.isEmpty
        ? "This server lists none. If it may ask a registry, type a full name into the search."
        : "See what is in it, choose platforms, and download it as an OCI archive.",
    ),
  );
}

/** Shows what the address says. */
function show(isFirst: boolean): void {
  const selection = parseFragment(location.hash);
  view?.close();
  view = selection && new ImageView(selection);
  document.body.dataset.view = view ? "image" : "list";
  document.title = selection ? `${selection.name} – ${title}` : title;
  main.replaceChildren(view?.element ?? nothingPicked());
  list.select(selection?.name);
  void view?.load();
  if (isFirst) return;
  scrollTo(0, 0);
  if (view) view.heading.focus({ preventScroll: true });
  else byId("search").focus();
}

addEventListener("hashchange", () => show(false));
byId("skip").addEventListener("click", (event) => {
  // Not by its fragment: that says which image is shown.
  event.preventDefault();
  main.focus();
});
show(true);
await list.load();
if (list.isEmpty && !view) main.replaceChildren(nothingPicked());
