// What it costs to start a runtime and do nothing.
export {};
