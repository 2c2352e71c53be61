"""The daemon of Agent Maestro, and the vocabulary that everybody speaks.

Rooms, outermost first: ``app`` wires; ``api`` speaks HTTP; ``watch`` knows what agents are doing;
``engine`` is the only writer; ``store`` is disk; ``tmux`` is the only door to tmux; ``client`` is the
door for the command line and the screen; ``providers`` and ``prompts`` are pure; ``protocol`` is what
crosses the socket; ``settings`` and ``locations`` say how and where; ``domain`` holds every rule.
"""

__version__ = "0.1.0"
