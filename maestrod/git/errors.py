"""What can go wrong with git.

::

    GitError
    ├── GitMissing      there is no git on PATH
    ├── GitTooOld       it lacks what is needed
    ├── GitTimeout      it did not come to an end
    ├── GitFailed       it said no; ``said`` is what it said
    └── NoRepository    there is nothing that a worktree could be made of
"""

OLDEST = (2, 31)
"""`rev-parse --path-format` came with it."""


class GitError(Exception):
    """git did not do what it was asked; ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class GitMissing(GitError):
    """There is no git."""

    def __init__(self) -> None:
        super().__init__("git is not on PATH", hint="Install git.")


class GitTooOld(GitError):
    """This git lacks what is needed."""

    def __init__(self, version: str) -> None:
        oldest = ".".join(map(str, OLDEST))
        super().__init__(f"git {version} is too old for worktrees, {oldest} is needed", hint="Install a newer git.")


class GitTimeout(GitError):
    """git did not come to an end; it was ended."""

    def __init__(self, words: str, limit_s: float) -> None:
        super().__init__(f"`git {words}` took longer than {limit_s:g} s", hint="Look for a hook or a disk that hangs.")


class GitFailed(GitError):
    """git said no: its exit code, and the last it said."""

    def __init__(self, words: str, code: int, said: str) -> None:
        lines = said.strip().splitlines()
        why = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "")
        super().__init__(f"`git {words}` failed: {why or f'exit code {code}'}")
        self.code = code
        self.said = said

    @property
    def is_lock(self) -> bool:
        """Whether another git was in the way for a moment."""
        return any(part in self.said for part in (".lock': File exists", "could not lock", "cannot lock ref"))


class NoRepository(GitError):
    """The directory is none that a worktree could be made of."""
