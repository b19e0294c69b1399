/** Images that look like real ones, for the page's tests and screenshots. */
import {
  type BlobBody,
  type ContentStore,
  type Descriptor,
  MediaType,
  MemoryStore,
  type OpenOptions,
  type Referrers,
  type Roots,
} from "../../../mod.ts";
import { noise } from "../../helpers/bytes.ts";
import { stalledStream } from "../../helpers/streams.ts";
import { addImage, addIndex, addJson } from "../../helpers/image.ts";

export const NAMES = {
  multi: "docker.io/library/alpine:3.22",
  single: "ghcr.io/acme/api-server:1.4.2",
  damaged: "registry.example.com:5000/team/damaged:latest",
  incomplete: "docker.io/library/incomplete:1.0",
  hostile: `<img src=x onerror=alert(1)>'; touch "/tmp/x" $(id)`,
} as const;

const IMAGE_NAME = "io.containerd.image.name";
const EMPTY = "application/vnd.oci.empty.v1+json";

/** A store in memory, with referrers, one damaged blob and many names. */
export class PageStore implements ContentStore, Roots, Referrers {
  /** Blobs opened since the last look, without manifests and indexes. */
  opened: string[] = [];
  /** Whether layers come without an end, or even a beginning. */
  stalled = false;
  #blobs = new MemoryStore();
  #roots: Descriptor[] = [];
  #referrers = new Map<string, Descriptor[]>();
  #damaged = "";

  static async create(): Promise<PageStore> {
    const store = new PageStore();
    await store.#addMulti();
    await store.#addSingle();
    await store.#addDamaged();
    await store.#addIncomplete();
    const hostile = await addImage(store.#blobs, { layers: ["hostile"] });
    const annotations = { "org.opencontainers.image.ref.name": NAMES.hostile };
    store.#roots.push({ ...hostile.manifest, annotations });
    for (const [i, name] of ["postgres", "redis", "nginx", "node", "python"].entries()) {
      const { manifest } = await addImage(store.#blobs, { layers: [noise(20_000, 50 + i)] });
      for (const tag of ["1.0", "1.1"]) store.#name(`docker.io/library/${name}:${tag}`, manifest);
    }
    return store;
  }

  #name(name: string, descriptor: Descriptor): void {
    this.#roots.push({ ...descriptor, annotations: { [IMAGE_NAME]: name } });
  }

  async #addMulti(): Promise<void> {
    const platforms = [
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64", variant: "v8" },
      { os: "linux", architecture: "arm", variant: "v7" },
    ];
    const shared = noise(4_000, 9);
    const manifests: Descriptor[] = [];
    for (const [i, platform] of platforms.entries()) {
      const { manifest } = await addImage(this.#blobs, {
        layers: [noise(340_000 - i * 40_000, 10 + i), noise(90_000, 20 + i), shared],
        config: JSON.stringify(platform),
      });
      manifests.push({ ...manifest, platform });
    }
    const statement = await addImage(this.#blobs, { layers: ['{"_type":"provenance"}'] });
    const root = await addIndex(this.#blobs, [...manifests, {
      ...statement.manifest,
      platform: { os: "unknown", architecture: "unknown" },
      annotations: { "vnd.docker.reference.type": "attestation-manifest" },
    }]);
    this.#name(NAMES.multi, root);
    await this.#refer(root, "application/vnd.dev.cosign.artifact.sig.v1+json", "signature");
    await this.#refer(manifests[0]!, "application/spdx+json", '{"spdxVersion":"SPDX-2.3"}');
  }

  async #refer(subject: Descriptor, artifactType: string, text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    const referrer = await addJson(this.#blobs, MediaType.ImageManifest, {
      schemaVersion: 2,
      mediaType: MediaType.ImageManifest,
      artifactType,
      config: await this.#blobs.add(EMPTY, new TextEncoder().encode("{}")),
      layers: [await this.#blobs.add(artifactType, bytes)],
      subject,
    });
    const known = this.#referrers.get(subject.digest) ?? [];
    this.#referrers.set(subject.digest, [...known, { ...referrer, artifactType }]);
  }

  async #addSingle(): Promise<void> {
    const sizes = [260_000, 61_000, 8_400, 310, 125_000];
    const layers = sizes.map((size, i) => noise(size, 30 + i));
    const { manifest } = await addImage(this.#blobs, { layers });
    this.#name(NAMES.single, manifest);
  }

  async #addDamaged(): Promise<void> {
    const image = await addImage(this.#blobs, { layers: [noise(900_000, 40), noise(700_000, 41)] });
    this.#damaged = image.layers[1]!.digest;
    this.#name(NAMES.damaged, image.manifest);
  }

  async #addIncomplete(): Promise<void> {
    const { manifest } = await addImage(this.#blobs, { layers: [noise(50_000, 60)] });
    const index = await addIndex(this.#blobs, [
      { ...manifest, platform: { os: "linux", architecture: "amd64" } },
      {
        mediaType: MediaType.ImageManifest,
        digest: `sha256:${"d".repeat(64)}`,
        size: 481,
        platform: { os: "windows", architecture: "amd64" },
      },
    ]);
    this.#name(NAMES.incomplete, index);
  }

  roots(): Promise<Descriptor[]> {
    return Promise.resolve(this.#roots);
  }

  referrers({ digest }: Descriptor): Promise<Descriptor[]> {
    return Promise.resolve(this.#referrers.get(digest) ?? []);
  }

  async open(descriptor: Descriptor, options: OpenOptions = {}): Promise<BlobBody> {
    const { digest, mediaType } = descriptor;
    const bytes = await this.#blobs.open(descriptor, options);
    if (/manifest|index/.test(mediaType)) return bytes;
    this.opened.push(digest);
    const middle = 350_000 - (options.offset ?? 0);
    if (digest === this.#damaged && middle >= 0) bytes[middle]! ^= 1;
    return this.stalled ? stalledStream() : bytes;
  }
}
