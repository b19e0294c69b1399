// What it costs to start a runtime and do nothing. No types: Node would take time to strip them.
