/**
 * A key that stands twice in one of a JSON text's objects. Of two, JavaScript takes the last and
 * Go's reader merges them: two readers could see two different images.
 *
 * @param json what the text says
 */
export function duplicateKey(text: string, json: unknown): string | undefined {
  // Nearly no text has one, and by counting that is ten times as quick to see: strings may have more
  // of what ends a key, never less.
  const isPlain = !SPACE_BEHIND_KEY.test(text);
  return isPlain && count(text, '":') === countKeys(json) ? undefined : findTwice(text);
}

const SPACE_BEHIND_KEY = /"[ \t\r\n]+:/;

function count(text: string, wanted: string): number {
  let count = 0;
  for (let at = -1; (at = text.indexOf(wanted, at + 1)) >= 0;) count++;
  return count;
}

function countKeys(json: unknown): number {
  let count = 0;
  // No recursion: objects may lie in each other as deep as the text is long.
  const waiting = [json];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === "object") waiting.push(item);
    } else if (typeof value === "object" && value !== null) {
      for (const key in value) {
        count++;
        const field = value[key as keyof typeof value] as unknown;
        if (typeof field === "object") waiting.push(field);
      }
    }
  }
  return count;
}

/** Looks at each key of a text that is JSON. */
function findTwice(text: string): string | undefined {
  /** The keys of the objects that are open. */
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "{") open.push(new Set());
    else if (text[at] === "}") open.pop();
    if (text[at] !== '"') continue;
    const start = at;
    while (text[++at] !== '"') if (text[at] === "\\") at++;
    let behind = at + 1;
    while (/[ \t\r\n]/.test(text[behind] ?? "")) behind++;
    if (text[behind] !== ":") continue;
    const key: string = JSON.parse(text.slice(start, at + 1));
    const keys = open.at(-1)!;
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return undefined;
}
