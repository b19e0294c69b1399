import process from "node:process";
import { ContainerdStore } from "../stores/containerd/containerd.ts";
import type { Source } from "./source.ts";
import { UsageError } from "./usage.ts";

/** Opens `containerd:NAME`, where the variables that ctr reads say. */
export async function openContainerd(name: string, signal: AbortSignal): Promise<Source> {
  if (name === "") throw new UsageError("containerd: names no image: expected containerd:NAME");
  const { CONTAINERD_ADDRESS: address, CONTAINERD_NAMESPACE: namespace } = process.env;
  const store = new ContainerdStore({
    address: address || undefined,
    namespace: namespace || undefined,
  });
  const root = { descriptor: await store.resolve(name, { signal }) };
  return { store, list: () => Promise.resolve([root]) };
}
