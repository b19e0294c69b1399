import tls from "node:tls";

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What Deno has for this. */
interface DenoHttp {
  createHttpClient(options: { caCerts: string[] }): unknown;
}

/** What Node 22.19 and 24.5 have for this. */
interface DefaultCertificates {
  getCACertificates(type: "default"): string[];
  setDefaultCACertificates(certificates: string[]): void;
}

/**
 * A `fetch` that trusts these certificate authorities too, by what the runtime has for it. On Node
 * all of the process trusts them from now on.
 *
 * @param pem one certificate or several
 * @throws {Error} where the runtime has nothing for it
 */
export function fetchWithCa(pem: string): Fetch {
  const { Deno: deno, Bun: bun } = globalThis as { Deno?: DenoHttp; Bun?: unknown };
  if (deno?.createHttpClient) {
    const client = deno.createHttpClient({ caCerts: [pem] });
    return (url, init) => fetch(url, { ...init, client } as RequestInit);
  }
  if (bun) {
    const ca = [...tls.rootCertificates, pem];
    return (url, init) => fetch(url, { ...init, tls: { ca } } as RequestInit);
  }
  const { getCACertificates, setDefaultCACertificates } = tls as unknown as Partial<
    DefaultCertificates
  >;
  if (!getCACertificates || !setDefaultCACertificates) {
    throw new Error(
      "Cannot use --ca: this Node has no way to set it; use Node 22.19, 24.5 or later, or start " +
        "it with NODE_EXTRA_CA_CERTS=FILE",
    );
  }
  setDefaultCACertificates([...getCACertificates("default"), pem]);
  return fetch;
}
