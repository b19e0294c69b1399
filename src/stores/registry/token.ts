import { basic } from "../../content/basic_auth.ts";
import { plainUrl } from "../../content/transport.ts";
import { LimitError } from "../../errors.ts";
import { RegistryAuthError } from "../../errors/remote.ts";
import { isJsonObject, parseJson } from "../../oci/parse_json.ts";
import type { Answer } from "./answer.ts";
import type { Attempts } from "./attempts.ts";
import type { Challenge } from "./challenge.ts";
import { type Credentials, isBearerToken, secretsOf } from "./credentials.ts";
import { isLoopback } from "./endpoint.ts";
import type { Http, HttpRequest } from "./http.ts";
import { expectOk } from "./status.ts";

/** A token, and what else its server gave. */
export interface Token {
  /** The token itself. */
  token: string;
  /** Milliseconds that it is good for. */
  lifetime: number;
  /** Takes the place of the identity token. */
  refreshToken?: string;
}

/** What a token is asked for with. */
export interface TokenRequest {
  /** Whose registry asks: a plain http realm is trusted only as far as this. */
  registry: URL;
  /** The registry, as people log in to it. */
  host: string;
  challenge: Challenge;
  credentials: Credentials | undefined;
  /** What to ask for where the challenge does not say. */
  scope: string;
}

const MAX_BODY = 1 << 20;
const CLIENT_ID = "oci-archive";
/** What a token without `expires_in` is good for, in seconds, and the least that any is taken for. */
const MIN_LIFETIME = 60;

/**
 * Asks a token server: by GET with Basic for a user and password or nobody, by POST for an identity
 * token.
 *
 * Sources: [token authentication](https://distribution.github.io/distribution/spec/auth/token/),
 * [OAuth2](https://distribution.github.io/distribution/spec/auth/oauth/).
 *
 * @throws {RegistryAuthError} where the realm is not to be trusted, or refuses
 */
export async function fetchToken(
  http: Http,
  request: TokenRequest,
  { attempts, signal }: { attempts: Attempts; signal: AbortSignal },
): Promise<Token> {
  const httpRequest = tokenRequest(request);
  const { host, credentials } = request;
  const secrets = [...secretsOf(httpRequest.authorization), credentials?.identityToken ?? ""];
  const bytes = await attempts.run(async () => {
    const answer = await http.send(httpRequest, { attempts, signal });
    await expectOk(answer, { host, secrets });
    return await readToken(answer);
  }, { signal });
  return parseToken(bytes, httpRequest.url);
}

async function readToken(answer: Answer): Promise<Uint8Array> {
  try {
    return await answer.bytes(["size of a token's answer", MAX_BODY]);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    // No option moves this limit.
    const why = `the token server's answer is longer than ${MAX_BODY} bytes`;
    throw new RegistryAuthError(plainUrl(answer.url), why);
  }
}

function tokenRequest(
  { registry, host, challenge, credentials, scope }: TokenRequest,
): HttpRequest {
  const { parameters } = challenge;
  const url = realmUrl(parameters.get("realm") ?? "", registry);
  const service = parameters.get("service") ?? host;
  const wanted = parameters.get("scope") || scope;
  const { username, password, identityToken } = credentials ?? {};
  if (identityToken) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      service,
      client_id: CLIENT_ID,
      scope: wanted,
      refresh_token: identityToken,
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { url, method: "POST", headers, body: form.toString() };
  }
  url.searchParams.set("service", service);
  for (const one of wanted.split(" ")) url.searchParams.append("scope", one);
  if (username) url.searchParams.set("account", username);
  const authorization = username && password !== undefined ? basic(username, password) : undefined;
  return { url, method: "GET", headers: { accept: "application/json" }, authorization };
}

/** The token server's URL, where a password may be sent to it. */
function realmUrl(realm: string, registry: URL): URL {
  const refuse = (why: string) => new RegistryAuthError(plainUrl(registry), why);
  if (!URL.canParse(realm)) throw refuse("it names a token server by something that is no URL");
  const url = new URL(realm);
  if (url.username || url.password) throw refuse("the URL of its token server has a user");
  if (url.protocol === "https:") return url;
  const isAsPlain = registry.protocol === "http:" && url.protocol === "http:" &&
    (url.hostname === registry.hostname ||
      isLoopback(url.hostname) && isLoopback(registry.hostname));
  if (isAsPlain) return url;
  throw refuse(
    `its token server ${plainUrl(url)} is not https, so that anyone could read the credentials; ` +
      "have its operator serve tokens over https",
  );
}

function parseToken(bytes: Uint8Array, url: URL): Token {
  const refuse = (why: string) => new RegistryAuthError(plainUrl(url), why);
  let json: unknown;
  try {
    json = parseJson(bytes);
  } catch {
    // The cause would quote the body, and there may be a token in it.
    throw refuse("the token server's answer is not JSON");
  }
  const { token, access_token, expires_in, refresh_token } = isJsonObject(json) ? json : {};
  const given = token || access_token;
  if (!isBearerToken(given)) throw refuse("the token server's answer has no token");
  const seconds = typeof expires_in === "number" ? expires_in : MIN_LIFETIME;
  return {
    token: given,
    lifetime: Math.max(seconds, MIN_LIFETIME) * 1000,
    refreshToken: typeof refresh_token === "string" && refresh_token ? refresh_token : undefined,
  };
}
