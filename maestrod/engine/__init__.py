"""The shell round the core: the single writer, the fan-out, the facts that are not state, the clock."""
