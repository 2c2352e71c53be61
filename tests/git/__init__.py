"""The door to git, with real repositories."""
