"""The machine at a real daemon's socket: what it commits is read from its journal, kill -9 is a step."""

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from maestrod.domain.changes import USER, Actor, Command, Record, RecordCodec
from maestrod.domain.docs import AddDoc
from maestrod.domain.editing import MoveAttempt
from maestrod.domain.model import Noun, Pane, Task
from maestrod.domain.projects import DeleteProject
from maestrod.domain.registry import RULES
from maestrod.domain.sessions import LaunchSession, RegisterSession, StopSession
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask
from maestrod.protocol.routes import WRITES, Write
from tests.model.asking import ASKS, Asker
from tests.model.comparing import agree, expected
from tests.model.machine import KINDS, Machine
from tests.model.rig import made
from tests.model.things import LIVE, Made, No
from tests.model.whole import Whole
from tests.support.daemon import Answer, Daemon
from tests.support.eventually import eventually

PLACES = ("project", "task", "subtask", "session", "item", "doc", "mail", "template")
OWN = "RecordTurn RecordChecks SurfaceMail HoldMail ExpireMail UseKey"
NOBODY_ASKS = dict.fromkeys(OWN.split(), "the daemon's own: it comes of what others do")
NOBODY_ASKS |= dict.fromkeys(("CreateKey", "RotateKey", "RevokeKey"), "the daemon makes the secret")
ASKED = [kind for kind in KINDS if kind not in NOBODY_ASKS]
NOBODY = "none_1_x"
CODES = {
    "FORBIDDEN": "NotAllowed",
    "VALIDATION_ERROR": "Invalid",
    "CONFLICT": "Conflict",
    "ALREADY_CLAIMED": "AlreadyClaimed",
    "NOT_READY": "NotReady",
    "INVALID_TRANSITION": "IllegalMove",
    "PROJECT_HAS_DEPENDENCIES": "HasDependents",
}


class Home:
    """A daemon for many runs. ``state`` is what its journal says, ``known`` what the reference makes of it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mae-", dir="/tmp"))
        self.daemon = Daemon(self.folder, env={"MAESTRO_SNAPSHOT_EVERY": "100"}).start()
        self.state = State()
        self.known = Whole()
        self.credentials: dict[str, str] = {}
        self.seq = 0
        self.sent = 0
        self.looks = 0
        self._codec = RecordCodec()
        self._read: Counter[Path] = Counter()

    def close(self) -> None:
        self.daemon.kill()
        shutil.rmtree(self.folder)

    def send(self, command: Command, by: Actor) -> Answer:
        """Ask over the socket; the request is named ``model-<sent>``."""
        self.sent += 1
        headers = {"X-Request-ID": f"model-{self.sent}"}
        if by.session_id is not None:
            headers["Authorization"] = f"Bearer {self.credentials[by.session_id]}"
        body = {k: v for k, v in msgspec.to_builtins(command).items() if k != "kind" and v is not None}
        route = route_of(command, body)
        path = route.path
        for name in PLACES:
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", body.pop(f"{name}Id", None) or self._task_of(command))
        path = path.replace("{type}", body.pop("entityType", ""))
        if route.method == "DELETE":
            path += "?" + "&".join(f"{k}=true" for k, v in body.items() if v is True)
            return self.daemon.call("DELETE", path.rstrip("?"), headers=headers)
        return self.daemon.call(route.method, path, body, headers=headers)

    def _task_of(self, command: Command) -> str:
        """The task in the path of a subtask's route."""
        step = self.known.steps.get(getattr(command, "subtask_id", ""))
        return step.task if step is not None else NOBODY

    def learn(self, upto: int) -> list[Record]:
        """The commits that came since, as soon as they can be read."""
        found: list[Record] = []

        def whole() -> bool:
            found.extend(self._new(upto))
            return self.seq >= upto

        eventually(whole, what=f"commit {upto}")
        return found

    def come(self) -> list[Record]:
        """What the daemon did by itself since, of what is on disk now: a refusal may rest on it."""
        return self._new(sys.maxsize)

    def _new(self, upto: int) -> list[Record]:
        found: list[Record] = []
        for path in sorted((self.folder / "data" / "journal").glob("*.jsonl")):
            for line in path.read_bytes()[self._read[path] :].splitlines(keepends=True):
                record = self._codec.decode(line[20:-2]) if line.endswith(b"}}\n") else None
                if record is None or record.seq > upto:
                    return found
                self._read[path] += len(line)
                self.seq = record.seq
                found.append(record)
        return found

    def shown(self) -> None:
        """What the daemon shows of its tasks and sessions is what its journal says.

        Raises:
            AssertionError: it is not.
        """
        rows: Any = self.daemon.ok("GET", "/tasks")
        tasks = {t["id"]: (t["status"], t["ready"], sorted(t["blockedBy"])) for t in rows}
        state = self.state
        assert tasks == {
            t.id: (t.status.value, state.is_ready(t), sorted(b.id for b in state.blockers(t)))
            for t in state.table(Noun.TASK).values()
            if isinstance(t, Task)
        }


def route_of(command: Command, body: dict[str, Any]) -> Write:
    """The most particular route that has something for each of its places."""
    fitting = [r for r in WRITES if r.command == type(command).__name__]
    whole = [r for r in fitting if all(body.get(f"{n}Id") for n in PLACES if f"{{{n}}}" in r.path)]
    return whole[-1] if whole else fitting[0]


def refusal(answer: Answer) -> str | None:
    """The kind of a refusal, from its code."""
    if answer.status < 400:
        return None
    code: str = answer.json["code"]
    if code.endswith("_NOT_FOUND"):
        return "NotFound"
    return CODES.get(code, code)


class AtTheSocket(Machine):
    """Runs over one home after the other; what one leaves is put away before the next."""

    def __init__(self, home: Home, done: Counter[str]) -> None:
        super().__init__(done, Counter[str]())
        self.rig.close()
        self.home = home
        self.known = home.known

    def welcome(self, session: str) -> None:
        """It is launched, so that it has a credential; its process is one that lives."""
        self.ask(LaunchSession(session_id=session, holder="test"), USER)
        pane = Pane(socket="maestro-test", window="@1", pane="%1", pid=os.getpid())
        self.ask(RegisterSession(session_id=session, pane=pane), Actor("session", session))

    def teardown(self) -> None:
        for session in [s.id for s in self.known.sessions.values() if s.status in LIVE]:
            self.ask(StopSession(session_id=session), USER)
        for project in list(self.known.projects):
            self.ask(DeleteProject(project_id=project, cascade=True), USER)
        self.crash(Random(0))

    def crash(self, random: Random) -> None:
        """A look at what the daemon shows; every eighth time after kill -9, every other eighth after a polite stop."""
        self.home.looks += 1
        if self.home.looks % 8 == 0:
            self.restart(polite=self.home.looks % 16 == 0)
        self.home.shown()

    def restart(self, *, polite: bool) -> None:
        self.home.daemon.stop() if polite else self.home.daemon.kill()
        self.home.daemon.start()
        self.done["restart"] += 1
        self.ask(LaunchSession(session_id=NOBODY, holder="x"), USER)

    def step_of(self, deed: str, random: Random) -> None:
        if deed in NOBODY_ASKS or deed in {"snapshot", "clock"}:
            deed = random.choice(ASKED)
        super().step_of(deed, random)

    def somebody(self, kind: str, random: Random) -> None:
        """A command as it can be sent: where a route has a place, something is named."""
        command = ASKS[kind](Asker(self.known, random, pid=os.getpid()))
        if isinstance(command, AddDoc) and not command.task_id and not command.session_id:
            command = replace(command, session_id=NOBODY)
        if isinstance(command, MoveAttempt) and command.session_id is None:
            command = replace(command, session_id=NOBODY)
        if isinstance(command, CreateTask) and command.project_id is None and command.parent_id is None:
            command = replace(command, project_id=NOBODY)
        self.ask(command, self.actor(command, random))

    def everything_holds(self) -> None:
        agree(self.home.state, self.known)

    def ask(self, command: Command, by: Actor) -> None:
        home, kind = self.home, type(command).__name__
        by = by if by.session_id in home.credentials else USER
        before = deepcopy(self.known)
        answer = home.send(command, by)
        own = self.learn(int(answer.headers["x-maestro-seq"]))
        refused = refusal(answer)
        if own:
            assert refused is None, f"{command} was committed and refused: {answer.json}"
            self.done[kind] += 1
            self._credentials(command, answer)
        else:
            told = {self.unchanged(before, command, by), self.unchanged(self.known, command, by)}
            for record in home.come() if refused not in told else ():
                self.follow([record])
                told.add(self.unchanged(self.known, command, by))
            assert refused in told, f"{by} asked {command}, answered {answer.status} {answer.json}, foreseen {told}"

    def learn(self, upto: int) -> bool:
        """Let the reference follow the commits; whether the last request's is among them."""
        return self.follow(self.home.learn(upto))

    def follow(self, records: list[Record]) -> bool:
        home, own = self.home, False
        for record in records:
            kind = msgspec.json.decode(record.command, type=dict[str, Any])["kind"]
            command = msgspec.json.decode(record.command, type=RULES[kind].command)
            new = Made(made(record.changes, {noun: set(home.state.table(noun)) for noun in Noun}))
            self.known.obey(kind, command, record.actor, record.at, new.next)
            home.state.apply_all(record.changes)
            own = own or record.request_id == f"model-{home.sent}"
        return own

    def unchanged(self, known: Whole, command: Command, by: Actor) -> str | None:
        """The refusal that is foreseen; no refusal changes anything. Ids are looked up before all else."""
        if NOBODY in msgspec.json.encode(command).decode():
            return "NotFound"
        told = deepcopy(known)
        try:
            told.obey(type(command).__name__, command, str(by), int(time.time() * 1000), Made().next)
        except No as refused:
            return str(refused)
        except KeyError as missing:
            return f"nothing, but a new {missing}"
        return None if expected(told) == expected(known) else "a change"

    def _credentials(self, command: Command, answer: Answer) -> None:
        if isinstance(command, LaunchSession):
            self.home.credentials[command.session_id] = answer.json["credential"]
        kept = {s.id for s in self.known.sessions.values() if s.launched is not None}
        self.home.credentials = {k: v for k, v in self.home.credentials.items() if k in kept}
