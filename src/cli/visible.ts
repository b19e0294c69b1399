import { quote } from "../errors.ts";

/**
 * What a terminal obeys or nobody sees: control characters, marks of direction and the like, ends of
 * lines, halves of characters.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A name from outside as it stands, or quoted where not all of it can be seen. */
export function printable(name: string): string {
  return name.search(UNSEEN) < 0 ? name : visible(quote(name));
}

/** A line for people, with what cannot be seen escaped. */
export function visible(line: string): string {
  return line.replaceAll(UNSEEN, (character) => character.split("").map(escape).join(""));
}

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
