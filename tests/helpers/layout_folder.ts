import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { blobPath, createDigester, type Descriptor, type DigestAlgorithm } from "../../mod.ts";

/** An OCI image layout on disk, for a test to fill. */
export class LayoutFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Writes a blob; returns its descriptor. */
  async add(
    mediaType: string,
    bytes: Uint8Array,
    algorithm: DigestAlgorithm = "sha256",
  ): Promise<Descriptor> {
    const digester = await createDigester(algorithm);
    await digester.update(bytes);
    const descriptor = {
      mediaType,
      digest: `${algorithm}:${await digester.digest()}`,
      size: bytes.length,
    };
    await mkdir(dirname(this.file(descriptor)), { recursive: true });
    await writeFile(this.file(descriptor), bytes);
    return descriptor;
  }

  /** Writes index.json, and oci-layout with it. */
  async list(manifests: readonly Descriptor[]): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await writeFile(join(this.path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(
      join(this.path, "index.json"),
      JSON.stringify({ schemaVersion: 2, manifests }),
    );
  }

  /** Where a blob lies. */
  file({ digest }: Pick<Descriptor, "digest">): string {
    return join(this.path, blobPath(digest));
  }
}

/** The descriptor under a reference name. */
export function tagged(descriptor: Descriptor, name: string): Descriptor {
  return {
    ...descriptor,
    annotations: { ...descriptor.annotations, "org.opencontainers.image.ref.name": name },
  };
}
