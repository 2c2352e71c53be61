"""The door to the daemon, for the command line, the hooks and the screen."""
