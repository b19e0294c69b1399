import { descriptorOf, type NamedImage } from "./images.ts";

/** An image in the list that the handler gives. */
export interface ListedImage {
  /** The image's full name, or its reference name, or its digest: the first of them that it has. */
  name: string;
  /** Where its archive is: a path on the same host. */
  url: string;
  /** The media type of its manifest or index. */
  mediaType: string;
  /** The digest of its manifest or index. */
  digest: string;
}

/** What the list says of an image. */
export function listed({ name, root }: NamedImage, basePath: string): ListedImage {
  const { mediaType, digest } = descriptorOf(root);
  // Every slash encoded: a name may hold what a URL parser would take for steps, such as "..".
  return { name, url: `${basePath}/archives/${encodeURIComponent(name)}.tar`, mediaType, digest };
}

/** The list for people, where no page was given. */
export function listingPage(images: readonly ListedImage[]): string {
  const items = images.map(({ name, url }) =>
    `<li><a href="${escape(url)}" download>${escape(name)}</a></li>`
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Images</title>
<h1>Images</h1>
${items.length === 0 ? "<p>There are none.</p>" : `<ul>\n${items.join("\n")}\n</ul>`}
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
