"""What a person allowed among their own settings, and what was set there since: asked once, remembered, taken back."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from maestro_cli import extension, trust
from maestro_cli.program import write
from maestrod.locations import Locations
from maestrod.providers import claude, gemini
from maestrod.providers.plan import Trust

FILE = "agents.json"
AGREED = "agreed"
DECLINED = "declined"
OPEN = "not asked"


class Answer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was said about one provider, and the answers of ours in each file of the user's."""

    agreed: bool | None = None
    given: dict[str, list[list[str]]] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand with one provider; ``where`` is what is or would be changed, empty for nothing."""

    agent: str
    answer: str
    state: str
    """``not needed``, ``absent``, ``installed``, ``outdated``, ``plugin`` (which brings the same), or ``foreign``:
    something else is in its place."""
    where: str = ""


class Consents:
    """Those of one home, for the settings that this environment points at."""

    def __init__(self, locations: Locations, environ: Mapping[str, str]) -> None:
        self._place = locations.data / FILE
        self._locks = locations.run
        self._environ = environ

    def standing(self, agent: str) -> Standing:
        """How things stand; nothing is changed."""
        answer = self._answers().get(agent, Answer())
        said = {True: AGREED, False: DECLINED, None: OPEN}[answer.agreed]
        if agent == claude.NAME:
            where = self._claude()
            state = "installed" if answer.given.get(str(where)) else "absent"
            return Standing(agent=agent, answer=said, state=state, where=str(where))
        if agent == gemini.NAME:
            where = extension.folder(self._environ)
            return Standing(agent=agent, answer=said, state=extension.state(where), where=str(where))
        return Standing(agent=agent, answer=OPEN, state="not needed")

    def is_open(self, agent: str, cwd: str) -> bool:
        """Whether it makes sense to ask, before an agent starts in a directory."""
        if self._answers().get(agent, Answer()).agreed is not None:
            return False
        if agent == claude.NAME:
            return trust.is_granted(self._claude(), claude.trust(cwd).keys) is False
        return agent == gemini.NAME and extension.state(extension.folder(self._environ)) == "absent"

    def say(self, agent: str, *, agreed: bool) -> None:
        """Remember the answer.

        Raises:
            OSError: the disk refuses.
        """
        with trust.locked(self._locks):
            answers = self._answers()
            answers.setdefault(agent, Answer()).agreed = agreed
            self._keep(answers)

    def apply(self, agent: str, needed: Trust | None) -> None:
        """Before a launch: do what was agreed to, if it is not done yet.

        Raises:
            OSError: a file cannot be replaced.
            extension.Foreign: something else is in the extension's place.
        """
        if self._answers().get(agent, Answer()).agreed is not True:
            return
        if agent == gemini.NAME:
            with trust.locked(self._locks):
                extension.install(extension.folder(self._environ))
        if needed is not None:
            answer = list(needed.keys)
            trust.grant(needed, self._environ, self._locks, lambda place: self._note(agent, place, answer))

    def withhold(self, agent: str, needed: Trust) -> None:
        """Take back an answer of ours that stands no longer; the agent asks again.

        Raises:
            OSError: the file cannot be replaced.
        """
        place, answer = trust.place_of(needed, self._environ), list(needed.keys)
        answers = self._answers()
        given = answers.setdefault(agent, Answer()).given.get(str(place), [])
        if answer in given:
            trust.retract(place, answer, self._locks)
            given.remove(answer)
            self._keep(answers)

    def take_back(self, agent: str) -> None:
        """Leave nothing of ours, and do not ask again.

        Raises:
            OSError: a file cannot be replaced.
            extension.Foreign: something else is in the extension's place.
        """
        if agent == gemini.NAME:
            with trust.locked(self._locks):
                extension.remove(extension.folder(self._environ))
        for place, given in self._answers().get(agent, Answer()).given.items():
            trust.revoke(Path(place), given, self._locks)
        with trust.locked(self._locks):
            self._keep({**self._answers(), agent: Answer(agreed=False)})

    def _claude(self) -> Path:
        return trust.place_of(claude.trust(""), self._environ)

    def _note(self, agent: str, place: Path, answer: list[str]) -> None:
        answers = self._answers()
        given = answers.setdefault(agent, Answer()).given.setdefault(str(place), [])
        if answer not in given:
            given.append(answer)
        self._keep(answers)

    def _answers(self) -> dict[str, Answer]:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self._place.read_bytes(), type=dict[str, Answer])
        return {}

    def _keep(self, answers: dict[str, Answer]) -> None:
        self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(self._place, msgspec.json.encode(answers).decode())
