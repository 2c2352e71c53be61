"""Opens the window of a session: wins the launch, writes the launch files, starts the supervisor in a pane.

Never "started" without a living agent: what fails on the way ends the session with the reason.
"""

import contextlib
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from maestro_cli import skillful
from maestro_cli.arrival import Watch, did_its_work, end_in_words
from maestro_cli.asking import can_ask, confirmed
from maestro_cli.carried import Carried, carried
from maestro_cli.consents import Consents
from maestro_cli.extension import Foreign
from maestro_cli.failures import note
from maestro_cli.own_providers import Providers
from maestro_cli.pane_environment import caller_environment, own_environment
from maestro_cli.program import path_folder, program, write
from maestro_cli.servers import Unusable, servers
from maestro_cli.supervisor import LAUNCH_VARIABLE
from maestro_cli.trusted import Trusted
from maestro_cli.windows import Window, Windows, WindowTrouble
from maestro_cli.worktrees import Bench, NoWorktree, Placed, variables
from maestrod.client.blocking import Client, quoted
from maestrod.client.errors import ClientError
from maestrod.locations import Locations
from maestrod.prompts.system import skills_part, system_part, worktree_part
from maestrod.prompts.task import first_message
from maestrod.protocol.manifest import Manifest
from maestrod.providers import registry
from maestrod.providers.plan import LaunchContext, LaunchPlan, Unfit

WAIT_S = 10.0
LOOK_S = 0.05
LAST_LINES = 12
REASON_LIMIT = 2_000

LAUNCH_FILE = "launch.json"
SKILLS_FOLDER = "skills"
ENVIRONMENT_FILE = "environment.json"
LIVE = frozenset({"spawning", "idle", "working"})


class NotStarted(Exception):
    """The agent does not run; ``screen`` is the end of what its window showed."""

    def __init__(self, reason: str, *, hint: str = "", screen: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.screen = screen


class LastLaunch(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the launch before left."""

    provider: str = ""
    conversation_id: str | None = None


class LaunchResult(msgspec.Struct, frozen=True, kw_only=True):
    """A session whose agent runs, and where: ``server`` is tmux' name for it; ``notes`` are for whoever started it."""

    session: dict[str, object]
    provider: str
    server: str
    window: str
    pane: str
    notes: tuple[str, ...] = ()


def launch(
    session_id: str, client: Client, *, locations: Locations, environ: Mapping[str, str], provider: str = ""
) -> LaunchResult:
    """Open the session's window in the caller's environment; return when its agent lives.

    Raises:
        NotStarted: it does not; the session has ended with the reason.
        ClientError: another launches it (ALREADY_CLAIMED), it waits for no launch, or the daemon is away.
    """
    return Launcher(client, locations, environ).launch(session_id, provider=provider)


class Launcher:
    """Launches sessions of one home in the caller's environment."""

    def __init__(self, client: Client, locations: Locations, environ: Mapping[str, str]) -> None:
        self._client = client
        self._locations = locations
        self._environ = environ
        self._windows = Windows(locations, environ)
        self._consents = Consents(locations, environ)
        self._bench = Bench(client, locations, environ)
        self._trusted = Trusted(locations)

    def launch(self, session_id: str, *, provider: str = "") -> LaunchResult:
        """See ``launch``."""
        path = f"/sessions/{quoted(session_id)}"
        found = _object(self._client.call("GET", path).body)
        name = provider or str(found.get("provider") or "") or self._first_installed()
        self._settle(name, found)
        body = {"holder": f"{socket.gethostname()}:{os.getpid()}"} | ({"provider": name} if name else {})
        won = _object(self._client.call("POST", f"{path}/launch", body=body).body)
        try:
            return self._opened(won, name)
        except NotStarted as failure:
            self._clear(str(found["id"]))
            with contextlib.suppress(ClientError):  # why it did not start matters more
                self._end(str(found["id"]), failure.reason)
            raise

    def _opened(self, won: dict[str, object], name: str) -> LaunchResult:
        manifest = self._recalled(msgspec.convert(won["manifest"], Manifest), _object(won["session"]), name)
        try:
            self._windows.check()
            provider, executable = self._found(name)
            placed = self._bench.place(manifest)
            plan = self._planned(manifest, provider, executable, placed)
            window = self._window(manifest, plan, self._written(manifest, plan, won, placed))
            session = self._awaited(manifest.session_id, window, name)
        except WindowTrouble as trouble:
            raise NotStarted(str(trouble)) from trouble
        except (NoWorktree, Unusable) as trouble:
            raise NotStarted(trouble.reason, hint=trouble.hint) from trouble
        except OSError as error:
            hint = f"Where Maestro's files can be written, `maestro session resume {manifest.session_id}` launches it."
            raise NotStarted(f"cannot write the launch files: {error}", hint=hint) from error
        return LaunchResult(
            session=session,
            provider=plan.provider,
            server=self._windows.name,
            window=window.window_id,
            pane=window.pane_id,
            notes=(*_notes(placed), *plan.notes),
        )

    def _window(self, manifest: Manifest, plan: LaunchPlan, launch_file: Path) -> Window:
        return self._windows.open(
            manifest.session_id,
            name=manifest.name,
            cwd=plan.cwd,
            argv=[str(program(self._locations)), "agent", "run", manifest.session_id],
            env={"MAESTRO_SESSION_ID": manifest.session_id, LAUNCH_VARIABLE: str(launch_file)},
        )

    def _settle(self, name: str, session: Mapping[str, object]) -> None:
        """Before anything is claimed, ask the person at the terminal what this agent needs to be asked, once."""
        known = registry.BUILT_IN.get(name)
        if known is None or known.consent is None or not self._which(name) or not can_ask(self._environ):
            return
        project = _object(self._client.call("GET", f"/projects/{quoted(str(session['projectId']))}").body)
        if self._consents.is_open(name, os.path.realpath(str(project["workingDir"]))):
            agreed = confirmed(known.consent.question)
            with contextlib.suppress(OSError):
                self._consents.say(name, agreed=agreed)
            take_back = "`maestro agent hooks remove` takes it back"
            note(take_back if agreed else f"{known.consent.without}; `maestro agent hooks install` changes that")

    # -- what is started --------------------------------------------------------------------------

    def _first_installed(self) -> str:
        return next((name for name in registry.BUILT_IN if self._which(name)), "")

    def _which(self, name: str) -> str | None:
        found = shutil.which(name, path=self._environ.get("PATH") or os.defpath)
        return str(Path(found).absolute()) if found else None

    def _recalled(self, manifest: Manifest, session: Mapping[str, object], name: str) -> Manifest:
        """With the conversation that the last launch chose, when no hook has told of it; without one that is lost."""
        transcript = str(session.get("transcriptPath") or "")
        if manifest.resume and transcript and not Path(transcript).exists():  # it ended before anything was said
            return msgspec.structs.replace(manifest, conversation_id=None)
        if not manifest.resume or manifest.conversation_id is not None:
            return manifest
        try:
            place = self._locations.session(manifest.session_id) / LAUNCH_FILE
            last = msgspec.json.decode(place.read_bytes(), type=LastLaunch)
        except (OSError, msgspec.MsgspecError):
            return manifest
        known = last.conversation_id if last.provider == name else None
        return msgspec.structs.replace(manifest, conversation_id=known)

    def _found(self, name: str) -> tuple[registry.Provider, str]:
        """The agent program, and what is run.

        Raises:
            NotStarted: the provider is not known or not installed.
        """
        if not name:
            known = ", ".join(registry.BUILT_IN)
            how = "; ".join(p.install for p in registry.BUILT_IN.values())
            raise NotStarted(f"no agent program is installed: none of {known} is on PATH", hint=f"Install one: {how}")
        try:
            provider = Providers(self._locations.config).get(name)
        except registry.UnknownProvider as error:
            raise NotStarted(str(error), hint="`maestro agent list` shows what is here.") from error
        installed, executable = map(self._which, provider.needs)
        if installed is None or executable is None:
            missing = provider.needs[installed is not None]
            raise NotStarted(f"{missing} is not on PATH", hint=f"{provider.title}: {provider.install}")
        return provider, executable

    def _planned(
        self, manifest: Manifest, provider: registry.Provider, executable: str, placed: Placed | str
    ) -> LaunchPlan:
        """How to start the agent.

        Raises:
            NotStarted: there is no directory to work in, or a file of MCP servers cannot be used.
        """
        project = manifest.project.working_dir
        given = skillful.chosen(manifest, self._environ, self._trusted)
        own = self._locations.session(manifest.session_id) / SKILLS_FOLDER
        skillful.place(given, own)
        cwd = placed.cwd if isinstance(placed, Placed) else _directory(project)
        lacking = self._trusted.lacking(
            Path(project), carried(Path(cwd), self._environ, (provider.name,), skills=False)
        )
        context = LaunchContext(
            executable=executable,
            maestro=str(program(self._locations)),
            folder=str(self._locations.session(manifest.session_id)),
            cwd=cwd,
            system=system_part(_there(manifest, placed))
            + (worktree_part(placed.branch, project) if isinstance(placed, Placed) else "")
            + skills_part([(skill.name, skill.description) for skill in given.skills], given.missing),
            prompt=first_message(manifest),
            conversation_id=str(uuid.uuid4()),
            mcp=servers(manifest.mcp_config, project, self._trusted),
            skills_folder=str(own) if given.skills else "",
            spool=self._spool(manifest),
            launch_folders=(str(self._locations.data / "sessions"), str(self._locations.run)),
            git_folder=placed.common if isinstance(placed, Placed) else "",
            trusted=not lacking,
        )
        try:
            plan = provider.plan(manifest, context)
        except Unfit as error:
            raise NotStarted(str(error)) from error
        plan = msgspec.structs.replace(plan, notes=(*plan.notes, *given.notes))
        return self._unanswered(plan, provider, lacking, project) if lacking else plan

    def _unanswered(
        self, plan: LaunchPlan, provider: registry.Provider, lacking: Sequence[Carried], project: str
    ) -> LaunchPlan:
        """The plan of an agent that asks itself, as nobody trusts what the directory carries."""
        if plan.trust is not None:
            with contextlib.suppress(OSError):
                self._consents.withhold(plan.provider, plan.trust)
        names = ", ".join(each.name for each in lacking)
        how = f"`maestro trust {project}` answers it for all sessions"
        note = f"{provider.title} may ask in its window whether you trust {names}: {how}"
        return msgspec.structs.replace(plan, trust=None, notes=(*plan.notes, note))

    def _spool(self, manifest: Manifest) -> str:
        """Raises: OSError: it cannot be made."""
        place = self._locations.spool / manifest.session_id
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(place)

    # -- what it reads ----------------------------------------------------------------------------

    def _written(self, manifest: Manifest, plan: LaunchPlan, won: dict[str, object], placed: Placed | str) -> Path:
        """The launch file. The caller's variables lie apart from it, among what is never backed up.

        Raises:
            OSError: the disk refuses.
        """
        folder = self._locations.session(manifest.session_id)
        run = self._locations.session_run(manifest.session_id)
        credential, environment, exit_file = run / "cred", run / ENVIRONMENT_FILE, folder / "exit.json"
        for place in (folder, run):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in plan.files:
            (folder / file.name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(folder / file.name, file.content, mode=file.mode)
        write(credential, str(won["credential"]))
        write(environment, json.dumps(self._inherited(plan, won)))
        exit_file.unlink(missing_ok=True)
        with contextlib.suppress(OSError, Foreign):  # in a sandbox, say: then the agent asks, or is less well known
            self._consents.apply(plan.provider, plan.trust)
        document = {
            "sessionId": manifest.session_id,
            "provider": plan.provider,
            "argv": plan.argv,
            "cwd": plan.cwd,
            "env": self._told(manifest, plan, credential)
            | (variables(manifest, placed.path, placed.branch) if isinstance(placed, Placed) else {}),
            "environmentFile": str(environment),
            "server": self._client.server,
            "credentialFile": str(credential),
            "exitFile": str(exit_file),
            "tmuxServer": self._windows.name,
            "conversationId": plan.conversation_id,
            "resumeArgv": plan.resume_argv,
        }
        return write(folder / LAUNCH_FILE, json.dumps(document, ensure_ascii=False, indent=1))

    def _inherited(self, plan: LaunchPlan, won: dict[str, object]) -> dict[str, str]:
        """The caller's variables, and those that the session was spawned with."""
        session = _object(won["session"])
        given = session.get("env")
        own = {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}
        return caller_environment(self._environ, plan, path_folder(self._locations, self._environ)) | own

    def _told(self, manifest: Manifest, plan: LaunchPlan, credential: Path) -> dict[str, str]:
        return plan.env | own_environment(
            manifest,
            server=self._client.server,
            home=str(self._locations.home) if self._environ.get("MAESTRO_HOME") else "",
            credential=str(credential),
            path=str(self._locations.session(manifest.session_id) / "manifest.json"),
            maestro=str(program(self._locations)),
        )

    # -- whether it lives -------------------------------------------------------------------------

    def _awaited(self, session_id: str, window: Window, name: str) -> dict[str, object]:
        """The session once its agent has lived for a moment or has given a sign; else its window is closed.

        Raises:
            NotStarted: it ended, or nothing was heard of it in time.
        """
        watch = Watch()
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            over = not watch.registered and self._windows.is_dead(window)
            session = _object(self._client.call("GET", f"/sessions/{session_id}").body)
            if did_its_work(session):  # before anybody looked
                return session
            if session["status"] not in LIVE:
                raise self._failed(window, f"{name} {end_in_words(session)}")
            if watch.lives(session, time.monotonic()):
                return session
            if over:
                raise self._failed(window, f"what starts {name} has ended")
            time.sleep(LOOK_S)
        raise self._failed(window, f"nothing was heard of {name} within {WAIT_S:g} s")

    def _failed(self, window: Window, reason: str) -> NotStarted:
        screen = self._windows.text(window) or self._kept_screen(window.session_id)
        with contextlib.suppress(WindowTrouble):
            self._windows.close(window)
        lines = [line.rstrip() for line in screen.splitlines() if line.strip()]
        return NotStarted(reason, screen="\n".join(lines[-LAST_LINES:]))

    def _kept_screen(self, session_id: str) -> str:
        """What the daemon kept of the window when it closed it."""
        try:
            return str(_object(self._client.call("GET", f"/sessions/{session_id}/screen").body).get("text", ""))
        except ClientError:
            return ""

    def _end(self, session_id: str, reason: str) -> None:
        """Have the session ended with the reason, unless it has ended by itself."""
        text = "".join(c for c in reason if c.isprintable() or c == "\n")[:REASON_LIMIT]
        session = _object(self._client.call("GET", f"/sessions/{session_id}").body)
        if session["status"] in LIVE:
            self._client.call("POST", f"/sessions/{session_id}/exit", body={"reason": text})

    def _clear(self, session_id: str) -> None:
        """Leave no secrets that nobody read, and no conversation that cannot be gone on with."""
        with contextlib.suppress(OSError):
            (self._locations.session_run(session_id) / ENVIRONMENT_FILE).unlink(missing_ok=True)
            (self._locations.session(session_id) / LAUNCH_FILE).unlink(missing_ok=True)


def _directory(path: str) -> str:
    """The real path of the directory to work in.

    Raises:
        NotStarted: it is none, or may not be entered.
    """
    real = os.path.realpath(path)
    if not Path(real).is_dir() or not os.access(real, os.R_OK | os.X_OK):
        raise NotStarted(
            f"no directory to work in: {path}", hint="`maestro project edit PROJECT --dir DIR` names another."
        )
    return real


def _there(manifest: Manifest, placed: Placed | str) -> Manifest:
    """With the directory in which its agent finds itself."""
    if not isinstance(placed, Placed):
        return manifest
    return msgspec.structs.replace(manifest, project=msgspec.structs.replace(manifest.project, working_dir=placed.cwd))


def _notes(placed: Placed | str) -> tuple[str, ...]:
    if isinstance(placed, Placed):
        return placed.notes
    return (f"no worktree: {placed}",) if placed else ()


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
