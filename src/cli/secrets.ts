/** What is around a URL in a sentence, rather than its own. */
const END = String.raw`(?=[)\]>"'.,:;]*(?:\s|$))`;
const URLS = new RegExp(
  String.raw`([a-z][a-z\d+.-]*://)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*?${END})?`,
  "gi",
);

/**
 * A message with its URLs bare of user, query and fragment, which are secrets where they are signed.
 * Runtimes put the whole of a URL into their errors.
 */
export function withoutSecrets(message: string): string {
  return message.replaceAll(URLS, "$1$2");
}
