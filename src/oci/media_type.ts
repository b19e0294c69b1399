/** Media types of the OCI image spec and of Docker's schema 2. */
export const MediaType = {
  ImageManifest: "application/vnd.oci.image.manifest.v1+json",
  ImageIndex: "application/vnd.oci.image.index.v1+json",
  ImageConfig: "application/vnd.oci.image.config.v1+json",
  ImageLayer: "application/vnd.oci.image.layer.v1.tar",
  ImageLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ImageLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  DockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  DockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const;

/** Whether the media type is an image manifest, OCI's or Docker's, to the letter. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === MediaType.ImageManifest || mediaType === MediaType.DockerManifest;
}

/** Whether the media type is an image index or a Docker manifest list, to the letter. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === MediaType.ImageIndex || mediaType === MediaType.DockerManifestList;
}

/** Whether the media type is a layer that must not be given away, such as Windows base layers. */
export function isNonDistributable(mediaType: string): boolean {
  return mediaType.startsWith("application/vnd.oci.image.layer.nondistributable.") ||
    mediaType.startsWith("application/vnd.docker.image.rootfs.foreign.");
}
