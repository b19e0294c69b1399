import { RegistryError } from "../../errors.ts";
import { Transient } from "./attempts.ts";

const CERTIFICATE = /certificate|self.signed|UnknownIssuer|unable to verify|CERT_/i;
const NOT_TLS = /InvalidContentType|wrong version number|WRONG_VERSION|packet length too long/i;

/** A URL for people: its query may be a signature, its user a password. */
export function plainUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** What went wrong below HTTP, told without secrets: a failure of `fetch`, or of a body. */
export function transportText(error: unknown): string {
  const texts: string[] = [];
  for (let e = error; e instanceof Error && texts.length < 5; e = e.cause) {
    const { code } = e as { code?: unknown };
    texts.push(withoutQueries(typeof code === "string" ? `${e.message} (${code})` : e.message));
  }
  return texts.join(": ") || "the connection failed";
}

/** {@linkcode transportText} as an error, and whether it is worth another attempt. */
export function transportError(url: URL, error: unknown): Transient {
  const text = transportText(error);
  // The runtime's own error names the whole URL: it must not become the cause.
  const cause = new Error(text);
  const plain = plainUrl(url);
  if (CERTIFICATE.test(text)) {
    const why = `${text}; give the registry's CA (--ca FILE) if it has its own`;
    return new Transient(new RegistryError(plain, why, { cause }), { worth: 1 });
  }
  if (NOT_TLS.test(text)) {
    const why = `${text}; use plainHttp (--plain-http) if the registry does not speak TLS`;
    return new Transient(new RegistryError(plain, why, { cause }), { worth: 1 });
  }
  return new Transient(new RegistryError(plain, text, { cause }));
}

/** Cuts the query, the fragment and the user out of every URL in a text. */
function withoutQueries(text: string): string {
  return text.slice(0, 2000)
    .replace(/[?#][^\s)"'>]*/g, "")
    .replace(/:\/\/[^\s/@]*@/g, "://");
}
