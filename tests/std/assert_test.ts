import { test } from "node:test";
import { DigestMismatchError, exportArchive, planArchive } from "../../mod.ts";
import { collect } from "../helpers/bytes.ts";
import { imageOf } from "../helpers/plans.ts";
import { reachable, without } from "./reachable.ts";

const std = await reachable(() => import("@std/assert"));
const skip = without(std, "@std/assert");

test("assertEquals() finds two plans of an image equal", { skip }, async () => {
  const { memory, root } = await imageOf(1000, 2000);
  const [one, other] = [await planArchive(memory, [root]), await planArchive(memory, [root])];
  std!.assertEquals(one.entries, other.entries);
  std!.assertEquals(one.etag, other.etag);
});

test("assertRejects() knows our errors by class and message", { skip }, async () => {
  const { memory, root } = await imageOf(1000);
  const digester = () => ({ update() {}, digest: () => "0".repeat(64) });
  const error = await std!.assertRejects(
    () => collect(exportArchive(memory, [root], { createDigester: digester })),
    DigestMismatchError,
    root.digest,
  );
  std!.assertObjectMatch(error, { name: "DigestMismatchError" });
});
