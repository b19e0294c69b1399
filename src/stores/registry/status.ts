import { plainUrl } from "../../content/transport.ts";
import { quote } from "../../errors.ts";
import { RegistryAuthError, RegistryError } from "../../errors/remote.ts";
import { isJsonObject, parseJson } from "../../oci/parse_json.ts";
import type { Answer } from "./answer.ts";
import { parseRetryAfter, Transient } from "./attempts.ts";

const MAX_ERROR_BODY = 64 << 10;

/** What an error may say, and what not. */
export interface ErrorContext {
  /** The registry, as people log in to it. */
  host: string;
  /** What was sent and must not come back in a message. */
  secrets: readonly string[];
}

/**
 * Lets a good answer through; makes an error of any other, with the registry's own words.
 *
 * @throws {Transient} where another attempt may help
 * @throws {RegistryError | RegistryAuthError} where not
 */
export async function expectOk(
  answer: Answer,
  { host, secrets }: ErrorContext,
): Promise<Answer> {
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  const { code, message } = await errorOf(answer);
  const said = [code, message && quote(without(secrets, message))].filter(Boolean).join(": ");
  const why = said ? `${status}, ${said}` : `${status}`;
  const url = plainUrl(answer.url);
  if ([408, 425, 429].includes(status) || status >= 500 && status !== 501) {
    const retryAfter = parseRetryAfter(answer.headers.get("retry-after"));
    throw new Transient(new RegistryError(url, why, { status, code }), { retryAfter });
  }
  if (answer.isElsewhere && status !== 404) {
    // Most often a signature that has expired; the next attempt gets a new one.
    throw new Transient(new RegistryError(url, why, { status, code }), { worth: 3 });
  }
  if (status === 401 || status === 403) {
    const hint = `${why}; log in with "docker login ${host}" or give other credentials`;
    throw new RegistryAuthError(url, hint, { status, code });
  }
  throw new RegistryError(url, why, { status, code });
}

/** The first error of the body, where it has the form of the spec. */
async function errorOf(answer: Answer): Promise<{ code?: string; message?: string }> {
  try {
    const json = parseJson(await answer.bytes(["error body", MAX_ERROR_BODY]));
    const error: unknown = isJsonObject(json) && Array.isArray(json.errors) && json.errors[0];
    if (!isJsonObject(error)) return {};
    return {
      code: typeof error.code === "string" && /^\w{1,64}$/.test(error.code)
        ? error.code
        : undefined,
      message: typeof error.message === "string" ? error.message : undefined,
    };
  } catch {
    // The status says enough.
    return {};
  }
}

/** There are proxies that quote the request they refuse, where secrets may stand in their own ways. */
function without(secrets: readonly string[], text: string): string {
  return secrets.filter(Boolean).flatMap(writtenForms)
    .reduce((text, secret) => text.replaceAll(secret, "***"), text);
}

/** As it is, as in a URL, and as in a form. */
function writtenForms(secret: string): string[] {
  const inForm = new URLSearchParams({ secret }).toString().slice("secret=".length);
  return [secret, encodeURIComponent(secret.toWellFormed()), inForm];
}
