/**
 * A package of the standard library. Undefined where it resolves neither through JSR nor through an
 * import map: then its tests are skipped, and say so.
 */
export async function reachable<Module>(load: () => Promise<Module>): Promise<Module | undefined> {
  try {
    return await load();
  } catch (error) {
    console.log(`Skipped: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** Why the tests of a package are skipped; false where they are not. */
export function without(module: object | undefined, name: string): string | false {
  return module ? false : `${name} resolves neither through JSR nor through STD_CHECKOUT`;
}
