import type { Limiter } from "../../content/limiter.ts";
import type { StoreOptions } from "../../content/store.ts";
import type { Answer } from "./answer.ts";
import { Attempts, type RetryOptions, Transient } from "./attempts.ts";
import { Authorizer } from "./auth.ts";
import { type GetCredentials, secretsOf } from "./credentials.ts";
import type { Endpoint } from "./endpoint.ts";
import { Http, type HttpOptions, type HttpRequest } from "./http.ts";
import { expectOk } from "./status.ts";
import { fetchToken } from "./token.ts";

/** How to speak to a host. */
export interface HostOptions extends HttpOptions, RetryOptions {
  /**
   * Finds the credentials for a registry, when it asks for some.
   * @default {none: anonymous}
   */
  credentials?: GetCredentials | undefined;
}

/** What to ask a registry for. */
export interface Call extends StoreOptions {
  method?: "GET" | "HEAD";
  headers?: Record<string, string>;
  attempts: Attempts;
}

/** How often a 401 is answered with new credentials: a token may have expired, and its scope changed. */
const MAX_CHALLENGES = 2;

/** Attempts for a host that has never answered: rather than in trouble it is misspelled, or not there. */
const FIRST_ATTEMPTS = 4;

/** One repository on one host: every request authorized, tried again, and judged. */
export class Host {
  readonly endpoint: Endpoint;
  #http: Http;
  #limiter: Limiter;
  #authorizer: Authorizer;
  #hasAnswered = false;

  constructor(endpoint: Endpoint, limiter: Limiter, options: HostOptions) {
    this.endpoint = endpoint;
    this.#limiter = limiter;
    this.#http = new Http(options);
    const { host, base, repository } = endpoint;
    this.#authorizer = new Authorizer(endpoint, {
      credentials: options.credentials,
      fetchToken: (challenge, credentials, signal) => {
        const scope = `repository:${repository}:pull`;
        const request = { registry: base, host, challenge, credentials, scope };
        return fetchToken(this.#http, request, { attempts: new Attempts(options), signal });
      },
    });
  }

  /**
   * Asks for something below the repository: `manifests/latest`.
   *
   * @throws {RegistryError | RegistryAuthError}
   */
  request(path: string, call: Call): Promise<Answer> {
    const url = new URL(path, this.endpoint.base);
    return call.attempts.run(() => this.#limiter.run(() => this.#once(url, call), call), call);
  }

  async #once(url: URL, call: Call): Promise<Answer> {
    const { method = "GET", headers = {} } = call;
    for (let challenges = 0;; challenges++) {
      const authorization = await this.#authorizer.header(call);
      const answer = await this.#send({ url, method, headers, authorization }, call);
      // Whoever a redirect leads to has no right to our credentials, nor to ask for them.
      const isChallenge = answer.status === 401 && !answer.isElsewhere;
      if (!isChallenge || challenges === MAX_CHALLENGES) {
        return await this.#expectOk(answer, authorization);
      }
      const challenge = answer.headers.get("www-authenticate");
      const isRenewed = await this.#authorizer.challenged(challenge, authorization, call);
      if (!isRenewed) return await this.#expectOk(answer, authorization);
      await answer.finish();
    }
  }

  async #send(request: HttpRequest, call: Call): Promise<Answer> {
    try {
      const answer = await this.#http.send(request, call);
      this.#hasAnswered = true;
      return answer;
    } catch (failure) {
      if (this.#hasAnswered || !(failure instanceof Transient)) throw failure;
      const { error, worth } = failure;
      throw new Transient(error, { worth: Math.min(worth, FIRST_ATTEMPTS) });
    }
  }

  #expectOk(answer: Answer, authorization: string | undefined): Promise<Answer> {
    const secrets = secretsOf(authorization);
    return expectOk(answer, { host: this.endpoint.host, secrets });
  }
}
