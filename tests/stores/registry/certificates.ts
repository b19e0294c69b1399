import { join } from "node:path";
import { must } from "../../helpers/program.ts";

/** Makes a certificate authority, and a certificate of it for 127.0.0.1; gives their PEM files. */
export async function makeCertificates(
  folder: string,
): Promise<{ ca: string; certificate: string; key: string }> {
  const [ca, caKey, certificate, key] = ["ca.pem", "ca.key", "cert.pem", "cert.key"]
    .map((name) => join(folder, name)) as [string, string, string, string];
  const common = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
  await must("openssl", [...common, "-subj", "/CN=test CA", "-keyout", caKey, "-out", ca]);
  await must("openssl", [
    ...common,
    ...["-CA", ca, "-CAkey", caKey, "-subj", "/CN=test"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", key, "-out", certificate],
  ]);
  return { ca, certificate, key };
}
