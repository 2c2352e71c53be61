"""The only door to tmux: one private server per home, one window per agent.

``oneshot`` speaks to tmux by a process per call and is what the command line uses; ``control`` holds one
control-mode client and is what the daemon uses. ``server`` is the private server itself: its name, its
configuration, its socket. ``text`` and ``stream`` are pure: what tmux is asked to print, and how that is read.
"""
