/** The annotation with an image's full name. */
export const ANNOTATION_IMAGE_NAME = "io.containerd.image.name";
/** The annotation with an image's reference name: [image spec, "Pre-Defined Annotation Keys"](https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys). */
export const ANNOTATION_REF_NAME = "org.opencontainers.image.ref.name";
/** The annotation that tells which manifest a referrer refers to. */
export const ANNOTATION_SUBJECT = "io.containerd.manifest.subject";
