"""What can go wrong at the door to tmux.

TmuxError
├── TmuxMissing       no tmux on PATH
├── TmuxTooOld        one that lacks what is needed
├── TmuxFailed        tmux answered with an error
│   └── ConnectionLost  the control connection ended first: done or not is unknown
├── TmuxTimeout       no answer in time: done or not is unknown
└── PaneGone          the pane is not there, has ended, or belongs to another session
"""

OLDEST = (3, 2)
"""The first version with subscriptions, ``no-output`` and ``-N``."""


class TmuxError(Exception):
    """Anything that the door to tmux refuses or cannot do."""


class TmuxMissing(TmuxError):
    """There is no tmux on PATH."""

    def __init__(self, install: str) -> None:
        self.install = install
        super().__init__(f"tmux was not found on PATH: install it with `{install}` and try again")


class TmuxTooOld(TmuxError):
    """The tmux on PATH is older than ``OLDEST``."""

    def __init__(self, version: str, install: str) -> None:
        self.version = version
        self.install = install
        oldest = ".".join(map(str, OLDEST))
        super().__init__(f"tmux {version} is too old, {oldest} or newer is needed: try `{install}`")


class TmuxFailed(TmuxError):
    """A tmux command was refused."""

    def __init__(self, subcommand: str, stderr: str) -> None:
        self.subcommand = subcommand
        self.stderr = stderr
        super().__init__(f"tmux {subcommand} failed: {stderr or 'no reason given'}")


class ConnectionLost(TmuxFailed):
    """The control connection ended before the answer came; whether the command was done is unknown."""

    def __init__(self, subcommand: str) -> None:
        super().__init__(subcommand, "the connection to the tmux server ended before the answer")


class TmuxTimeout(TmuxError):
    """No answer in time; whether the command was done is unknown."""

    def __init__(self, subcommand: str, timeout_s: float) -> None:
        self.subcommand = subcommand
        self.timeout_s = timeout_s
        super().__init__(f"tmux {subcommand} gave no answer within {timeout_s:g} s")


class PaneGone(TmuxError):
    """The pane is not there, its program has ended, or it belongs to another session."""

    def __init__(self, pane_id: str, reason: str) -> None:
        self.pane_id = pane_id
        self.reason = reason
        super().__init__(f"pane {pane_id} is gone: {reason}")
