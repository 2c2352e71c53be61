"""The programs that the screen starts: ``maestro`` for what only it can do, and tmux to attach."""

import asyncio
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from maestro_tui.cells import plain
from maestro_tui.deeds import Done, Outcome, Refused
from maestro_tui.outside import arguments
from maestro_tui.view.shelf import Book
from maestrod.domain.model import Pane, PermissionMode, Role, Strategy

MAESTRO = (sys.executable, "-m", "maestro_cli")
TIME_S = 90.0
ANNOUNCED_S = 10.0
"""How long a program that tells a person may take."""


class Spawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for in the spawn dialog; empty texts are left to the defaults."""

    project_id: str
    task_ids: tuple[str, ...]
    provider: str = ""
    role: Role = Role.WORKER
    strategy: Strategy = Strategy.SIMPLE
    model: str = ""
    permission_mode: PermissionMode = PermissionMode.ACCEPT_EDITS
    name: str = ""
    worktree: bool | None = None
    template_id: str = ""
    skill_ids: tuple[str, ...] = ()
    prompt: str = ""


class _Session(msgspec.Struct, frozen=True):
    id: str = ""
    name: str = ""


class _Data(msgspec.Struct):
    session: _Session = _Session()


class _Printed(msgspec.Struct):
    success: bool = False
    message: str = ""
    suggestion: str = ""
    data: _Data | None = None


def spawn_words(spawn: Spawn) -> list[str]:
    """The words after ``maestro`` that start the agent."""
    words = ["session", "spawn", f"--project={spawn.project_id}"]
    words += [f"--task={task_id}" for task_id in spawn.task_ids]
    words += [f"--role={spawn.role}", f"--strategy={spawn.strategy}", f"--permission-mode={spawn.permission_mode}"]
    given = {
        "--provider": spawn.provider,
        "--model": spawn.model,
        "--name": spawn.name,
        "--template": spawn.template_id,
        "--prompt": spawn.prompt,
    }
    words += [f"{option}={value}" for option, value in given.items() if value]
    words += [f"--skill={skill_id}" for skill_id in spawn.skill_ids]
    return [*words, *([] if spawn.worktree is None else ["--worktree" if spawn.worktree else "--no-worktree"])]


async def maestro(words: Sequence[str], environ: Mapping[str, str], said: str, *, named: str = "") -> Outcome:
    """Run ``maestro`` with ``--json`` and tell what came of it; it is ended when it takes too long, or nobody waits.

    ``named`` is said in place of ``said`` when a session came of it: with its name for ``{}``.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *MAESTRO,
            *words,
            "--json",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environ),
        )
    except OSError as error:
        return Refused(f"maestro could not be started: {error.strerror}")
    try:
        async with asyncio.timeout(TIME_S):
            out, err = await process.communicate()
    except TimeoutError:
        return Refused(f"maestro {words[0]} took longer than {TIME_S:.0f} s and was ended")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return outcome(process.returncode or 0, out, err, said, named=named)


def outcome(code: int, out: bytes, err: bytes, said: str, *, named: str = "") -> Outcome:
    """What a run of ``maestro --json`` came to."""
    try:
        printed = msgspec.json.decode(out, type=_Printed)
    except msgspec.MsgspecError:
        printed = _Printed(success=code == 0)
    if code == 0 and printed.success:
        session = printed.data.session if printed.data is not None else _Session()
        return Done(named.format(plain(session.name)) if named and session.name else said, session.id)
    spoken = err.decode(errors="replace").strip().splitlines()
    message = printed.message or (spoken[-1] if spoken else f"maestro ended with exit code {code}")
    return Refused(message, printed.suggestion)


async def announce(command: Sequence[str], title: str, text: str, environ: Mapping[str, str]) -> Refused | None:
    """Run a program with a title and a text as its last arguments, past every shell; why not, when it failed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments(title, text),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
        )
    except (OSError, ValueError) as error:
        return Refused(f"{command[0]} could not be started: {error}", "It is `command` of [tui.notify].")
    try:
        async with asyncio.timeout(ANNOUNCED_S):
            code = await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        return Refused(f"{command[0]} took longer than {ANNOUNCED_S:.0f} s and was ended")
    return Refused(f"{command[0]} ended with exit code {code}") if code else None


def attach_argv(pane: Pane, session_id: str, conf: Path, environ: Mapping[str, str]) -> list[str]:
    """The words that attach this terminal to a session's pane.

    Raises:
        TmuxError: there is no tmux, or the pane is gone.
    """
    from maestrod.tmux.oneshot import PaneRef, Tmux

    return Tmux(pane.socket, conf, environ).attach_argv(PaneRef(pane.pane, session_id))


SOON_S = 2.0
"""How long tmux may take to say which keys it listens to."""


async def way_back(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that leave an agent's terminal, in words; a tmux around this screen takes its own prefix first."""
    once = ("Ctrl+B, then D, brings you back here.",)
    if not environ.get("TMUX"):
        return once
    asked = ("show-options", "-A", "-q", "-v")
    prefixes = [await _printed("tmux", *asked, name, environ=environ) for name in ("prefix", "prefix2")]
    if prefixes[0] and "C-b" not in prefixes:
        return once
    return ("Ctrl+B twice, then D, brings you back here.", "The first Ctrl+B is for the tmux around this screen.")


async def _printed(*argv: str, environ: Mapping[str, str]) -> str:
    """What a program prints; nothing when it cannot tell soon."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(SOON_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    return out.decode(errors="replace").strip()


async def attach(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Give the terminal to tmux until the person leaves it; its exit code."""
    clean = {name: value for name, value in environ.items() if not name.startswith("TMUX")}
    process = await asyncio.create_subprocess_exec(*argv, env=clean)
    return await process.wait()


def books(environ: Mapping[str, str], directory: str | None) -> tuple[Book, ...]:
    """The skills of every place in their order, with those that cannot be used; reads the disk."""
    from maestrod.skills.catalogue import Catalogue, scopes

    found: list[Book] = []
    catalogue = Catalogue()
    for scope in scopes(environ, directory):
        view = catalogue.look((scope,))
        found += [Book(s.name, s.scope, s.path, s.description, s.instructions) for s in view.skills.values()]
        found += [Book(Path(t.path).name, t.scope, t.path, trouble=t.message) for t in view.troubles]
    return tuple(found)


def here() -> str:
    """The directory where the screen was started; empty when it is gone."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def directory(text: str, environ: Mapping[str, str]) -> Path | Refused:
    """The directory that a person named; ``~`` is home, and a relative one is below where the screen was started."""
    if not text or "\0" in text:
        return Refused("A project needs a directory.")
    home = environ.get("HOME", "~")
    named = Path(home + text[1:]) if text == "~" or text.startswith("~/") else Path(text)
    try:
        found = named.expanduser().resolve()
        there = found.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        return Refused(f"{text} cannot be used: {error}")
    return found if there else Refused(f"There is no directory {found}.", "Make it first, or name another one.")


async def edit(text: str, name: str, environ: Mapping[str, str]) -> str | Refused:
    """Give the terminal to the person's editor with a file of that name; what is in it afterwards."""
    with tempfile.TemporaryDirectory(prefix="maestro-edit-") as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8")
        editor = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
        try:
            process = await asyncio.create_subprocess_exec(*shlex.split(editor), str(file), env=dict(environ))
            code = await process.wait()
            after = file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            return Refused(f"{editor} could not be used: {error}", "Set $EDITOR to a program of your own.")
    return after if code == 0 else Refused(f"{editor} ended with exit code {code}; nothing was changed.")
