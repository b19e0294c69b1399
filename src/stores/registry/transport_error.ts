import { plainUrl, transportText } from "../../content/transport.ts";
import { RegistryError } from "../../errors/remote.ts";
import { Transient } from "./attempts.ts";

const CERTIFICATE = /certificate|self.signed|UnknownIssuer|unable to verify|CERT_/i;
const NOT_TLS = /InvalidContentType|wrong version number|WRONG_VERSION|packet length too long/i;

/** {@linkcode transportText} as an error, and whether it is worth another attempt. */
export function transportError(url: URL, error: unknown): Transient {
  const text = transportText(error);
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
