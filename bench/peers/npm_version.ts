import { readFile } from "node:fs/promises";
import { MissingError } from "../contestant.ts";

/** The version of a package in node_modules. @throws {MissingError} */
export async function npmVersion(name: string): Promise<string> {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  try {
    return JSON.parse(await readFile(file, "utf8")).version;
  } catch {
    throw new MissingError(`${name} is not in node_modules: deno install`);
  }
}
