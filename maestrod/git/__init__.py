"""The only door to git: a process per call, blocking, no shell; from an event loop it is called in a thread."""
