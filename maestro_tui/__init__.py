"""The screen of Agent Maestro: who needs me, what moves, what is stuck.

``mirror`` holds a copy of the daemon's state, ``view`` turns it into rows, widgets show rows and send
messages, ``app`` talks to the daemon. ``view``, ``mirror``, ``outline``, ``bindings``, ``ansi``,
``cells`` and ``lines`` are pure: no Textual, no I/O, no clock.
"""
