"""What happens in one simulation, and what must be true of it."""

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from maestrod.domain.changes import RecordCodec
from maestrod.domain.model import Noun, Task
from maestrod.store.snapshot import snapshot_seqs
from tests.simulation.house import Life
from tests.simulation.loop import SimLoop
from tests.simulation.wire import Answer, Lost, Pipe, ask, frame, upgrade

CALLERS = 5
DEEDS = 10
LISTENERS = 3
PATIENCE_S = 120.0
WAIT_S = 30
CUTS = 3


class Broken(AssertionError):
    """Something was promised and not kept."""


class Story:
    """Many callers over several lives of a daemon. ``answered`` is the highest seq that anybody was told."""

    def __init__(self, seed: int, top: Path, loop: SimLoop) -> None:
        self.seed = seed
        self.random = Random(f"story {seed}")
        self.loop = loop
        self.top = top
        self.life = Life(loop, top, 0, seed)
        self.lives = 1
        self.answered = 0
        self.sent: set[str] = set()
        self.acked: dict[str, str] = {}
        self.bumps = 0
        self.seen: Counter[str] = Counter()
        self.ending = False
        self.counter = ""
        self.project = ""

    async def tell(self) -> None:
        """From the first start to the last stop."""
        async with asyncio.TaskGroup() as group:
            living = group.create_task(self._live())
            try:
                async with asyncio.timeout(PATIENCE_S * 10):
                    await self._happen()
            finally:
                self.ending = True
                self.life.disk.failing, self.life.disk.cut_at = {}, 1 << 30
                self.life.house.stop()
            await living

    async def _live(self) -> None:
        while not await self.life.run():
            answered = self.answered
            self._remember()
            self.life = Life(self.loop, self.top, self.lives, self.seed)
            self.lives += 1
            self.loop.note("recovered", self.life.recovered)
            if self.life.recovered < answered:
                raise Broken(f"stale read: {answered} was answered, {self.life.recovered} was recovered")
            if self.ending:
                self.life.house.stop()
        self._remember()

    def _remember(self) -> None:
        """What came of this life."""
        self.seen["cut"] += self.life.dead
        self.seen["failed deed"] += self.life.disk.failed
        self.seen["snapshot"] += len(snapshot_seqs(self.life.places.snapshots))

    async def _happen(self) -> None:
        first = Caller(self, "first")
        made = await first.write("POST", "/projects", {"name": "p", "workingDir": "/srv/simulated"})
        self.project = made.json["id"]
        made = await first.write("POST", "/tasks", {"projectId": self.project, "title": "counter", "description": "0"})
        self.counter = made.json["id"]
        self.sent.add("counter")
        listeners = [Listener(self, number) for number in range(LISTENERS)]
        async with asyncio.TaskGroup() as group:
            hearing = [group.create_task(each.listen()) for each in listeners]
            weather = group.create_task(self._weather())
            async with asyncio.TaskGroup() as callers:
                for number in range(CALLERS):
                    callers.create_task(Caller(self, f"c{number}").live())
            weather.cancel()
            self.life.disk.failing, self.life.disk.cut_at = {}, 1 << 30
            last = await self._settle(first, listeners)
            for task in hearing:
                task.cancel()
        await self._judge(first, listeners, last)

    async def _weather(self) -> None:
        """Failing disks and power cuts, at moments of the seed's choice."""
        cuts = 0
        while True:
            await asyncio.sleep(self.random.random() * 0.4)
            disk = self.life.disk
            if cuts < CUTS and self.random.random() < 0.4:
                cuts += 1
                disk.cut_at = len(disk.order) + self.random.randint(1, 20)
            elif self.random.random() < 0.4:
                disk.trouble()
                await asyncio.sleep(self.random.random())
                disk.failing = {}

    async def _settle(self, first: "Caller", listeners: list["Listener"]) -> int:
        """Everybody hears the last commit; its number."""
        done = await first.write("POST", "/tasks", {"projectId": self.project, "title": "last"})
        self.sent.add("last")
        try:
            async with asyncio.timeout(PATIENCE_S):
                while any(each.last[0] < done.seq for each in listeners):  # noqa: ASYNC110 - as callers do
                    await asyncio.sleep(0.1)
        except TimeoutError:
            heard = [each.last for each in listeners]
            raise Broken(f"lost event: {done.seq} was committed, heard was {heard}") from None
        return done.seq

    async def _judge(self, first: "Caller", listeners: list["Listener"], last: int) -> None:
        """What was heard and answered, up to the last commit of the callers: the daemon may have gone on by itself."""
        codec = RecordCodec()
        journal = self.life.loaded.journal
        wanted = [(r.seq, i) for r in map(codec.decode, journal.read(0)) if r.seq <= last for i in range(len(r.events))]
        for each in listeners:
            heard = [place for place in each.heard if place <= wanted[-1]]
            if heard != wanted[: len(heard)] or len(heard) < len(wanted) - len(set(wanted[-1:])):
                raise Broken(f"events: a listener heard {heard[-5:]}, there were {wanted[-5:]}")
        counter = await first.ask("GET", f"/tasks/{self.counter}")
        if int(counter.json["description"]) != self.bumps:
            raise Broken(f"lost update: {self.bumps} were acknowledged, there are {counter.json['description']}")
        tasks = self.life.house._engine.state.table(Noun.TASK).values()
        titles = sorted(t.title for t in tasks if isinstance(t, Task))
        if titles != sorted(self.sent):
            raise Broken(f"acknowledged, recovered and sent differ: {titles} and {sorted(self.sent)}")


class Caller:
    """Does one thing after the other; what gets no answer is asked again with the same key."""

    def __init__(self, story: Story, name: str) -> None:
        self.story = story
        self.name = name
        self.random = Random(f"{name} {story.seed}")
        self._pipe: Pipe | None = None
        self._number = 0

    async def live(self) -> None:
        deeds = (
            self.create,
            self.look,
            self.look,
            self.bump,
            self.bump,
            self.wait_for_end,
            self.wait_for_end,
            self.hook,
        )
        for _ in range(DEEDS):
            await asyncio.sleep(self.random.random() * 0.1)
            await self.random.choice(deeds)()

    async def create(self) -> None:
        self._number += 1
        title = f"{self.name} {self._number}"
        self.story.sent.add(title)
        made = await self.write("POST", "/tasks", {"projectId": self.story.project, "title": title})
        self.story.acked[title] = made.json["id"]

    async def look(self) -> None:
        known = set(self.story.acked)
        shown = {t["title"] for t in (await self.ask("GET", f"/tasks?projectId={self.story.project}")).json}
        if not known <= shown <= self.story.sent:
            raise Broken(f"stale read: {sorted(known - shown)} are missing, {sorted(shown - self.story.sent)} too many")

    async def bump(self) -> None:
        path = f"/tasks/{self.story.counter}"
        seen = (await self.ask("GET", path)).json
        body = {"description": str(int(seen["description"]) + 1)}
        answer = await self.write("PATCH", path, body, {"If-Match": f'"{seen["version"]}"'}, may=(412,))
        self.story.bumps += answer.status == 200

    async def wait_for_end(self) -> None:
        session = (await self.write("POST", "/sessions", {"projectId": self.story.project})).json["id"]
        if self.random.random() < 0.5:
            pane = {"socket": "s", "pane": "%1", "pid": os.getpid()}
            await self.write("POST", f"/sessions/{session}/register", {"pane": pane})
        others = [Caller(self.story, f"{self.name} waits {number}") for number in range(4)]
        async with asyncio.TaskGroup() as group:
            for each in others:
                group.create_task(each.wait(session))
            await asyncio.sleep(self.random.random() * 0.01)
            await self.write("POST", f"/sessions/{session}/stop", {})

    async def wait(self, session: str) -> None:
        answer = await self.ask("GET", f"/sessions/{session}/wait?until=ended&timeout={WAIT_S}", may=(408, 504))
        if answer.status != 200:
            raise Broken(f"missed wake: {session} has ended, {self.name} still waits for it")

    async def hook(self) -> None:
        session = (await self.write("POST", "/sessions", {"projectId": self.story.project})).json["id"]
        said = {"provider": "claude", "event": "UserPromptSubmit", "payload": {}}
        await self.ask("POST", f"/sessions/{session}/hook", said)

    async def write(
        self,
        method: str,
        path: str,
        body: object,
        headers: Mapping[str, str] | None = None,
        *,
        may: tuple[int, ...] = (),
    ) -> Answer:
        """Until it is answered, whatever comes between."""
        self._number += 1
        key = {"Idempotency-Key": f"{self.name}-{self._number}"}
        return await self.ask(method, path, body, {**key, **(headers or {})}, may=may)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        may: tuple[int, ...] = (),
    ) -> Answer:
        floor = self.story.answered
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (answer := await self._once(method, path, body, headers)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(self.random.random() * 0.2)
        except TimeoutError:
            raise Broken(f"missed wake: {method} {path} of {self.name} was never answered") from None
        if not 200 <= answer.status < 300 and answer.status not in may:
            raise Broken(f"{method} {path} was answered {answer.status}: {answer.json}")
        if answer.seq < floor:
            raise Broken(f"stale read: {answer.seq} after {floor}")
        return answer

    async def _once(self, method: str, path: str, body: object, headers: Mapping[str, str] | None) -> Answer | None:
        story, life = self.story, self.story.life
        if self._pipe is None or self._pipe not in life.pipes or self._pipe.is_closing():
            self._pipe = life.connect()
        if self._pipe is None:
            return None
        try:
            answer = await ask(self._pipe, method, path, body, headers)
        except Lost:
            self._pipe = None
            return None
        if life.dead:
            return None
        story.loop.note(self.name, method, path, answer.status, answer.seq)
        story.seen[f"answered {answer.status}"] += 1
        if answer.status == 503:
            return None
        story.answered = max(story.answered, answer.seq)
        return answer


class Listener:
    """Hears every event once, in order, over all the connections that it needs."""

    def __init__(self, story: Story, number: int) -> None:
        self.story = story
        self.random = Random(f"listener {number} {story.seed}")
        self.heard: list[tuple[int, int]] = []

    @property
    def last(self) -> tuple[int, int]:
        return self.heard[-1] if self.heard else (0, -1)

    async def listen(self) -> None:
        while True:
            pipe = self.story.life.connect()
            if pipe is not None:
                with suppress(Lost):
                    await self._converse(pipe, patience=self.random.randint(3, 20))
                pipe.hang_up()
            await asyncio.sleep(self.random.random() * 0.1)

    async def _converse(self, pipe: Pipe, *, patience: int) -> None:
        """Hear some frames; the last commit's may come again on a new connection, on one connection nothing does."""
        life = self.story.life
        await upgrade(pipe, f"/events?after={max(0, self.last[0] - 1)}")
        here = (0, -1)
        for _ in range(patience):
            said: dict[str, Any] = await frame(pipe)
            self.story.seen[said["event"]] += 1
            if life.dead or said["event"] == "resync":
                return
            if "i" not in said:
                continue
            place = (said["seq"], said["i"])
            if place <= here:
                raise Broken(f"double event: {place} after {here}")
            here = place
            if place > self.last:
                self.heard.append(place)
                self.story.loop.note("heard", *place)
