"""PURE: the agent programs. A manifest and what the launcher knows become a plan; nothing is run here."""
