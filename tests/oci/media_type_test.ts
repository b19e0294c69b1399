import { test } from "node:test";
import assert from "node:assert/strict";
import { MediaType } from "../../mod.ts";
import { isIndexType, isManifestType, isNonDistributable } from "../../src/oci/media_type.ts";

test("MediaType names the types of the image spec and of Docker", () => {
  assert.deepEqual(MediaType, {
    ImageManifest: "application/vnd.oci.image.manifest.v1+json",
    ImageIndex: "application/vnd.oci.image.index.v1+json",
    ImageConfig: "application/vnd.oci.image.config.v1+json",
    ImageLayer: "application/vnd.oci.image.layer.v1.tar",
    ImageLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
    ImageLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
    DockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
    DockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  });
});

test("isManifestType() takes manifests, to the letter", () => {
  for (
    const [mediaType, is] of [
      ["application/vnd.oci.image.manifest.v1+json", true],
      ["application/vnd.docker.distribution.manifest.v2+json", true],
      ["application/vnd.oci.image.index.v1+json", false],
      ["application/vnd.oci.image.manifest.v1+json; charset=utf-8", false],
      ["application/vnd.oci.image.manifest.v1", false],
      ["APPLICATION/vnd.oci.image.manifest.v1+json", false],
      ["application/vnd.docker.distribution.manifest.v1+json", false],
      ["application/vnd.oci.artifact.manifest.v1+json", false],
      ["", false],
    ] as const
  ) {
    assert.equal(isManifestType(mediaType), is, mediaType);
  }
});

test("isIndexType() takes indexes and Docker's lists, to the letter", () => {
  for (
    const [mediaType, is] of [
      ["application/vnd.oci.image.index.v1+json", true],
      ["application/vnd.docker.distribution.manifest.list.v2+json", true],
      ["application/vnd.oci.image.manifest.v1+json", false],
      ["application/vnd.oci.image.index.v1+json ", false],
      ["", false],
    ] as const
  ) {
    assert.equal(isIndexType(mediaType), is, mediaType);
  }
});

test("isNonDistributable() takes OCI's and Docker's foreign layers", () => {
  for (
    const [mediaType, is] of [
      ["application/vnd.oci.image.layer.nondistributable.v1.tar", true],
      ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true],
      ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true],
      ["application/vnd.docker.image.rootfs.diff.tar.gzip", false],
      ["application/vnd.oci.image.layer.v1.tar", false],
      ["application/vnd.oci.image.layer.nondistributable", false],
      ["application/vnd.docker.image.rootfs.foreigner", false],
    ] as const
  ) {
    assert.equal(isNonDistributable(mediaType), is, mediaType);
  }
});
