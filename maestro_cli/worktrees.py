"""Makes the worktree in which a session works, in the caller's environment; or nothing of it."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from maestrod.client.blocking import Client, quoted
from maestrod.client.errors import ClientError
from maestrod.domain.model import Isolation
from maestrod.git import copies, merging, work, worktrees
from maestrod.git.errors import GitError, GitMissing, GitTooOld, NoRepository
from maestrod.git.process import Git
from maestrod.git.worktrees import Base, Conflicting
from maestrod.locations import Locations
from maestrod.protocol.manifest import Manifest, ManifestBegin, ManifestWorktree
from maestrod.providers.environment import OUTER, TERMINAL, inherited

SETUP_S = 900.0
KEEP_S = 10.0
"""The launch is kept in our hands so often while the setup command runs; it is free after 30 s."""
LAST_LINES = 8
SETUP_LOG = "setup.log"
NOTHING_TO_MAKE = (NoRepository, GitMissing, GitTooOld)


class NoWorktree(Exception):
    """There is no worktree to work in, and nothing of one is left."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Where the agent works; ``common`` is the repository's own folder, in which commits are written.

    ``notes`` are what a person may want to know.
    """

    cwd: str
    path: str
    branch: str
    common: str
    notes: tuple[str, ...] = ()


class Bench:
    """Makes worktrees for sessions of one home."""

    def __init__(self, client: Client, locations: Locations, environ: Mapping[str, str]) -> None:
        self._client = client
        self._locations = locations
        self._environ = environ

    def place(self, manifest: Manifest) -> Placed | str:
        """The session's worktree, made if need be; where it works without one, the reason, empty for none.

        Raises:
            NoWorktree: there was to be one.
            ClientError: the daemon is away, or refuses.
        """
        wanted = manifest.worktree
        if wanted is None or not Path(manifest.project.working_dir).is_dir():
            return ""
        git = Git(manifest.project.working_dir, self._environ)
        try:
            return self._again(git, wanted) if wanted.made else self._new(git, manifest, wanted)
        except NOTHING_TO_MAKE as error:
            if wanted.isolation is Isolation.IF_GIT and not wanted.made:
                return error.message
            raise NoWorktree(f"no worktree: {error.message}", hint=error.hint) from error
        except GitError as error:
            raise NoWorktree(f"no worktree: {error.message}", hint=error.hint) from error
        except OSError as error:
            hint = f"Make room, or let {self._locations.worktrees} be written."
            raise NoWorktree(f"no worktree: {error}", hint=hint) from error

    def _again(self, git: Git, known: ManifestWorktree) -> Placed:
        """The one that it had."""
        if not os.path.lexists(known.path):
            worktrees.add_again(git, known.path, known.branch)
        if not worktrees.is_sound(git, known.path):
            raise NoRepository(
                f"{known.path} is no worktree of the project's repository any more", hint="`git worktree repair` there."
            )
        return _placed(git, known.path, known.branch, known.directory)

    def _new(self, git: Git, manifest: Manifest, wanted: ManifestWorktree) -> Placed:
        """Plan it, make it, say so; what fails on the way takes all of it back."""
        git.version()
        base = worktrees.base_of(git)
        if wanted.path:
            worktrees.clear(git, wanted.path, wanted.branch, wanted.base_commit)
        begins = _begins(git, base, wanted)
        start = begins[0][1]
        plan = Plan(self._client, manifest.session_id, start, base)
        path, branch = plan.said()
        if os.path.lexists(path):
            plan.give_back()
            raise NoWorktree(f"no worktree: {path} is in the way", hint="Look at what it is, and move it away.")
        try:
            with plan.held():
                worktrees.add(git, path, branch, start)
                _join(git.at(path), begins, wanted)
                self._fill(manifest, wanted, base, path, branch)
            placed = _placed(git, path, branch, base.directory, _notes(git, wanted))
            plan.done(git.at(path).text("rev-parse", "HEAD"))
        except BaseException:
            with contextlib.suppress(GitError, OSError):
                worktrees.clear(git, path, branch, start)
            if not os.path.lexists(path):
                plan.give_back()
            raise
        return placed

    def _fill(self, manifest: Manifest, wanted: ManifestWorktree, base: Base, path: str, branch: str) -> None:
        """What is not committed: copied files, and what the setup command makes."""
        cwd = _inside(path, base.directory)
        copies.copy(Path(base.top), Path(path), copies.within(base.directory, wanted.copy_files))
        if not wanted.setup_command:
            return
        told = self._locations.session(manifest.session_id) / SETUP_LOG
        told.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        env = inherited(self._environ, unset=(*OUTER, *TERMINAL), keep=()) | variables(manifest, path, branch)
        _set_up(wanted.setup_command, cwd, env, told)


class Plan:
    """What the daemon is told of a worktree that is being made."""

    def __init__(self, client: Client, session_id: str, commit: str, base: Base) -> None:
        self._client = client
        self._route = f"/sessions/{quoted(session_id)}/worktree"
        self._body = {"baseCommit": commit, "baseBranch": base.branch, "directory": base.directory}

    def said(self) -> tuple[str, str]:
        """Say what is planned; where it is to be, and on which branch."""
        answer = self._client.call("POST", self._route, body=self._body).body
        planned = answer.get("worktree") if isinstance(answer, dict) else None
        return (str(planned["path"]), str(planned["branch"])) if isinstance(planned, dict) else ("", "")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the launch in our hands meanwhile."""
        over = threading.Event()

        def hold() -> None:
            while not over.wait(KEEP_S):
                with contextlib.suppress(ClientError):
                    self.said()

        keeper = threading.Thread(target=hold, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def done(self, commit: str) -> None:
        """It is there, and began at this commit."""
        self._client.call("PATCH", self._route, body={"baseCommit": commit})

    def give_back(self) -> None:
        """Nothing of it is left."""
        with contextlib.suppress(ClientError):  # why it failed matters more
            self._client.call("PATCH", self._route, body={"made": False})


def _set_up(command: str, cwd: str, env: Mapping[str, str], told: Path) -> None:
    """Run the project's setup command; what it says goes into a file.

    Raises:
        NoWorktree: it failed, or took too long.
    """
    with told.open("wb") as mouth:
        told.chmod(0o600)
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=mouth,
            stderr=mouth,
            start_new_session=True,
        )
        try:
            code = process.wait(SETUP_S)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code == 0:
        return
    lines = told.read_bytes()[-4096:].decode("utf-8", "replace").splitlines()[-LAST_LINES:]
    why = "took too long" if code is None else f"failed with exit code {code}"
    said = "\n".join(["", *lines]) if lines else ""
    hint = "`maestro project edit PROJECT --setup COMMAND` changes it."
    raise NoWorktree(f"no worktree: the setup command {why}{said}", hint=hint)


def _placed(git: Git, path: str, branch: str, directory: str, notes: tuple[str, ...] = ()) -> Placed:
    common = git.text("rev-parse", "--path-format=absolute", "--git-common-dir")
    return Placed(cwd=_inside(path, directory), path=path, branch=branch, common=common, notes=notes)


def variables(manifest: Manifest, path: str, branch: str) -> dict[str, str]:
    """What agents and setup commands find of their worktree in their environment."""
    return {
        "MAESTRO_PROJECT_DIR": manifest.project.working_dir,
        "MAESTRO_WORKTREE_PATH": path,
        "MAESTRO_WORKTREE_BRANCH": branch,
    }


def _begins(git: Git, base: Base, wanted: ManifestWorktree) -> list[tuple[str, str]]:
    """Where it begins: branches with their commits, of which the first is checked out and the others are merged.

    They are the branches of dependencies that the project's directory has not got yet, without what another of them
    has; else what the project has checked out.
    """
    tips = {begin.branch: worktrees.tip(git, begin.branch) for begin in wanted.begins}
    found = {name: at for name, at in tips.items() if at is not None and not worktrees.holds(git, base.commit, at)}
    once = {at: name for name, at in reversed(found.items())}
    return [
        (name, at)
        for name, at in found.items()
        if once[at] == name and not any(worktrees.holds(git, other, at) for other in once if other != at)
    ] or [(base.branch, base.commit)]


def _join(there: Git, begins: list[tuple[str, str]], wanted: ManifestWorktree) -> None:
    """Put the dependencies together.

    Raises:
        NoWorktree: that cannot be done by itself.
    """
    try:
        worktrees.join(there, begins[1:], identity=True)
    except Conflicting as failure:
        first = {begin.branch: begin for begin in wanted.begins}
        tasks = " and ".join(_called(first[name]) for name, _ in begins)
        session = first[begins[0][0]].session_id
        raise NoWorktree(
            f"no worktree: the work of {tasks} does not fit together by itself: {', '.join(failure.paths)}",
            hint=f"Merge one of them first: `maestro worktree merge {session}`.",
        ) from failure


def _called(begin: ManifestBegin) -> str:
    return f"\u2018{begin.title}\u2019 ({begin.branch})"


def _notes(git: Git, wanted: ManifestWorktree) -> tuple[str, ...]:
    """What is not in the worktree, though somebody might think so."""
    notes = []
    dirty = merging.target_of(git).dirty
    if dirty:
        notes.append(f"{_changes(len(dirty))} in {git.cwd} not committed, and not in the worktree")
    for begin in wanted.begins:
        found = work.look(git, begin.path, begin.branch)
        count = len(found.uncommitted) + len(found.untracked)
        if count:
            notes.append(f"{_changes(count)} in {begin.path} ({begin.title}) not committed, and not in the worktree")
    return tuple(notes)


def _changes(count: int) -> str:
    return "1 change is" if count == 1 else f"{count} changes are"


def _inside(path: str, directory: str) -> str:
    """The real path of the same directory within the worktree; made when no commit has it.

    Raises:
        NoWorktree: it leads out of the worktree.
    """
    top = os.path.realpath(path)
    place = Path(path, directory)
    with contextlib.suppress(FileExistsError):
        place.mkdir(parents=True, exist_ok=True)
    real = os.path.realpath(place)
    if not place.is_dir() or (real != top and not real.startswith(f"{top}/")):
        raise NoWorktree(f"no worktree: {directory} is no directory within it")
    return real
