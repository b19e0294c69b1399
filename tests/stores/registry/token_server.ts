import { createSign, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { readFile } from "node:fs/promises";

/** A running token server. */
export interface TokenServer {
  realm: string;
  /** The `Authorization` headers of its requests, in order. */
  readonly asked: (string | undefined)[];
  stop(): Promise<void>;
}

/** How to run it. */
export interface TokenServerOptions {
  service: string;
  issuer: string;
  /** The certificate and key to sign with, as PEM files. */
  certificate: string;
  key: string;
  /** The one `Authorization` header that gets tokens. */
  authorization: string;
}

/** A token server as Docker's registry wants one, for one user who may pull everything. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const key = await readFile(options.key, "utf8");
  const der = (await readFile(options.certificate, "utf8")).replace(/-----[^-]+-----|\s/g, "");
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    if (request.headers.authorization !== options.authorization) {
      response.writeHead(401).end("{}");
      return;
    }
    const now = Math.floor(Date.now() / 1000);
    const token = sign({ typ: "JWT", alg: "RS256", x5c: [der] }, {
      iss: options.issuer,
      sub: "user",
      aud: options.service,
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: randomUUID(),
      access: scopesOf(request),
    }, key);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ token, expires_in: 300 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    realm: `http://127.0.0.1:${port}/token`,
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function scopesOf({ url }: IncomingMessage): object[] {
  const scopes = new URL(url ?? "", "http://token.test").searchParams.getAll("scope");
  return scopes.map((scope) => {
    const [type, name] = scope.split(":");
    return { type, name, actions: ["pull"] };
  });
}

function sign(header: object, payload: object, key: string): string {
  const text = [header, payload].map(base64url).join(".");
  return `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
}

function base64url(value: object): string {
  return btoa(JSON.stringify(value))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
