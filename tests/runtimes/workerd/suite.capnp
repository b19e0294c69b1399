using Workerd = import "/workerd/workerd.capnp";

const modules :List(Workerd.Worker.Module) = [(name = "suite.js", esModule = embed "suite.js")];

const config :Workerd.Config = (
  services = [
    # Has node:crypto.
    (name = "new", worker = (modules = .modules, compatibilityDate = "2026-11-17")),
    # Has none of Node's modules: hashes with crypto.DigestStream. Its streams are the first that
    # keep to the standard.
    (name = "old", worker = (modules = .modules, compatibilityDate = "2022-11-30")),
  ],
);
