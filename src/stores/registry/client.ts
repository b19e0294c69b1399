import type { Limiter } from "../../content/limiter.ts";
import { plainUrl } from "../../content/transport.ts";
import { RegistryError } from "../../errors/remote.ts";
import type { Reference } from "../../oci/reference.ts";
import type { Answer } from "./answer.ts";
import { Attempts } from "./attempts.ts";
import { endpointOf, type EndpointOptions, mirrorOf } from "./endpoint.ts";
import { type Call, Host, type HostOptions } from "./host.ts";

/** Where to find a repository, and how to speak to it. */
export interface ClientOptions extends EndpointOptions, HostOptions {
  /**
   * Where else to look, before the registry itself: `host[:port][/prefix]`, or a URL. What a mirror
   * does not have or cannot give comes from the next one, and from the registry at last.
   * @default {none}
   */
  mirrors?: readonly string[] | undefined;
}

/** A mirror has this many attempts before the next one is asked. */
const MIRROR_ATTEMPTS = 2;
/** Milliseconds that a mirror which failed is left alone. */
const MIRROR_REST = 60_000;

/** A repository at its mirrors and at its registry. */
export class Client {
  #options: ClientOptions;
  #registry: Host;
  #mirrors: { host: Host; restsUntil: number }[];

  constructor(reference: Reference, limiter: Limiter, options: ClientOptions) {
    this.#options = options;
    this.#registry = new Host(endpointOf(reference, options), limiter, options);
    this.#mirrors = (options.mirrors ?? []).map((mirror) => ({
      host: new Host(mirrorOf(reference, mirror), limiter, options),
      restsUntil: 0,
    }));
  }

  /** The registry's name, for messages. */
  get name(): string {
    const { host, repository } = this.#registry.endpoint;
    return `${host}/${repository}`;
  }

  /** Where the registry has what is below the repository, for messages. */
  urlOf(path: string): string {
    return plainUrl(new URL(path, this.#registry.endpoint.base));
  }

  /**
   * Asks for something below the repository: `manifests/latest`.
   *
   * @throws {RegistryError | RegistryAuthError} as the registry itself
   */
  async request(path: string, call: Call): Promise<Answer> {
    for (const mirror of this.#mirrors) {
      if (mirror.restsUntil > Date.now()) continue;
      const { maxAttempts = MIRROR_ATTEMPTS } = this.#options;
      const attempts = new Attempts({
        ...this.#options,
        maxAttempts: Math.min(maxAttempts, MIRROR_ATTEMPTS),
        timeout: call.attempts.left,
      });
      try {
        return await mirror.host.request(path, { ...call, attempts });
      } catch (error) {
        call.signal?.throwIfAborted();
        const isMissing = error instanceof RegistryError && error.status === 404;
        if (!isMissing) mirror.restsUntil = Date.now() + MIRROR_REST;
      }
    }
    return await this.#registry.request(path, call);
  }
}
