"""PURE: a manifest in words. The system part says who an agent is, the first message what it is to do."""
