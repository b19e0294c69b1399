import { basic } from "../../content/basic_auth.ts";
import { plainUrl } from "../../content/transport.ts";
import { RegistryAuthError } from "../../errors/remote.ts";
import { OneCall } from "../../content/one_call.ts";
import type { StoreOptions } from "../../content/store.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { type Credentials, type GetCredentials, isBearerToken } from "./credentials.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Token } from "./token.ts";

/** What an {@linkcode Authorizer} needs of the world. */
export interface AuthorizerOptions {
  credentials?: GetCredentials;
  /** Asks a token server. */
  fetchToken(
    challenge: Challenge,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<Token>;
}

/** Knows the `Authorization` header for one registry: learns it from challenges, renews it in time. */
export class Authorizer {
  #endpoint: Endpoint;
  #options: AuthorizerOptions;
  #challenge: Challenge | undefined;
  #header: string | undefined;
  #renewAt = Infinity;
  #identityToken: string | undefined;
  #renewal = new OneCall((signal) => this.#renew(signal));

  constructor(endpoint: Endpoint, options: AuthorizerOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  /** The header to send; undefined as long as the registry has not asked for one. */
  async header({ signal }: StoreOptions = {}): Promise<string | undefined> {
    if (Date.now() >= this.#renewAt) await this.#renewal.run({ signal });
    return this.#header;
  }

  /**
   * Takes the challenge of a 401.
   *
   * @param used the header that the registry refused
   * @returns whether there is another header now
   * @throws {RegistryAuthError} where there is no answer to it
   */
  async challenged(
    challenge: string | null,
    used: string | undefined,
    { signal }: StoreOptions = {},
  ): Promise<boolean> {
    // Somebody else has renewed it since.
    if (used !== this.#header) return true;
    this.#challenge = this.#choose(parseChallenges(challenge ?? ""));
    await this.#renewal.run({ signal });
    return used !== this.#header;
  }

  #choose(challenges: Challenge[]): Challenge {
    const byScheme = (wanted: string) => challenges.find(({ scheme }) => scheme === wanted);
    const chosen = byScheme("bearer") ?? byScheme("basic");
    if (chosen) return chosen;
    const offered = challenges.slice(0, 5).map(({ scheme }) => scheme.slice(0, 40)).join(", ");
    throw this.#refusal(
      `it wants credentials of a kind we do not have: ${offered || "it does not say which"}`,
    );
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const challenge = this.#challenge!;
    const { host } = this.#endpoint;
    const credentials = await this.#options.credentials?.(host, { signal });
    signal.throwIfAborted();
    if (challenge.scheme === "basic") {
      const { username, password } = credentials ?? {};
      if (username === undefined || password === undefined) {
        throw this.#refusal(`it wants a user and a password; log in with "docker login ${host}"`);
      }
      this.#header = basic(username, password);
    } else if (credentials?.registryToken) {
      if (!isBearerToken(credentials.registryToken)) {
        throw new RegistryAuthError(
          plainUrl(this.#endpoint.base),
          "the registryToken for it holds something that no header may, such as a line break; " +
            "give it without",
        );
      }
      this.#header = `Bearer ${credentials.registryToken}`;
    } else {
      await this.#renewToken(challenge, credentials, signal);
    }
  }

  async #renewToken(
    challenge: Challenge,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const known = credentials?.identityToken && this.#identityToken
      ? { identityToken: this.#identityToken }
      : credentials;
    const asked = Date.now();
    const { token, lifetime, refreshToken } = await this.#options.fetchToken(
      challenge,
      known,
      signal,
    );
    this.#identityToken = refreshToken ?? this.#identityToken;
    this.#header = `Bearer ${token}`;
    // A request that starts now must not arrive too late.
    this.#renewAt = asked + lifetime - Math.min(lifetime / 4, 30_000);
  }

  #refusal(why: string): RegistryAuthError {
    return new RegistryAuthError(plainUrl(this.#endpoint.base), why, { status: 401 });
  }
}
