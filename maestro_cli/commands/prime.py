"""The brief of a session, made anew; outside of one, what there is to know. It never fails, nor takes over 2 s."""

import time
from pathlib import Path

import msgspec

from maestro_cli import skillful, views
from maestro_cli.call import Call
from maestro_cli.trusted import Trusted
from maestrod.client.blocking import Client, quoted
from maestrod.client.errors import Refused
from maestrod.locations import locate
from maestrod.prompts.brief import brief, outside
from maestrod.prompts.system import skills_part
from maestrod.protocol.manifest import Manifest

LIMIT_S = 2.0
RESERVE_S = 0.3
"""What is kept of it for all that is not asking."""
MANIFEST_LIMIT = 16 << 20

AWAY = "The daemon does not answer just now: this is what you were told at first. Go on working; reports are kept."
REFUSED = "This is what you were told at first; the daemon tells no more:"
NOBODY = "Maestro's daemon does not answer (`maestro daemon status`); nothing more is known here."
UNKNOWN = "Session {session} is not known here; it may have been deleted. No task is yours."


class Prime(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``source`` is where it comes from: ``daemon``, ``manifest`` (as it was at the launch) or ``none``."""

    session_id: str | None
    source: str
    text: str


def prime(call: Call) -> int:
    """Print what the agent should know now."""
    try:
        told = Briefing(call).told()
    except Exception:  # noqa: BLE001 - the rim: an agent that asks who it is must not be answered with an error
        told = Prime(session_id=call.text("session") or None, source="none", text=NOBODY)
    call.output.result(msgspec.to_builtins(told), told.text.split("\n"), offline=told.source == "manifest")
    return 0


class Briefing:
    """Asks what there is to tell, within the limit."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._deadline = time.monotonic() + LIMIT_S - RESERVE_S
        self._client: Client = call.client
        self._client.patience = 0.0
        if self._client.start is not None:
            self._client.start = lambda: call.context.start(limit=self._left)

    def told(self) -> Prime:
        """Of the session that is named or at hand, else of what is here."""
        session = self._call.text("session")
        if not session:
            return Prime(session_id=None, source="daemon", text=self._outside())
        try:
            manifest = msgspec.convert(self._get(f"/sessions/{quoted(session)}/manifest"), Manifest)
        except Refused as refused:
            if refused.code != "SESSION_NOT_FOUND":
                return self._remembered(session, f"{REFUSED} {refused.message}. {refused.hint}".rstrip())
            text = f"{UNKNOWN.format(session=session)}\n\n{self._outside()}"
            return Prime(session_id=None, source="daemon", text=text)
        except Exception:  # noqa: BLE001 - whatever the daemon's trouble is, the manifest lies on the disk
            return self._remembered(session, AWAY)
        return Prime(
            session_id=manifest.session_id, source="daemon", text=self._brief(manifest, self._waiting(session))
        )

    def _remembered(self, session: str, why: str) -> Prime:
        """What the session's manifest says that lies beside its launch files, and why there is no more."""
        place = self._call.context.environ.get("MAESTRO_MANIFEST_PATH", "")
        if not place or session != self._call.context.session:
            return Prime(session_id=session, source="none", text=NOBODY)
        with Path(place).open("rb") as file:
            manifest = msgspec.json.decode(file.read(MANIFEST_LIMIT), type=Manifest)
        text = f"{self._brief(manifest, 0)}\n\n{why}"
        return Prime(session_id=manifest.session_id, source="manifest", text=text)

    def _brief(self, manifest: Manifest, waiting: int) -> str:
        environ = self._call.context.environ
        given = skillful.chosen(manifest, environ, Trusted(locate(environ)))
        skills = skills_part([(skill.name, skill.description) for skill in given.skills], given.missing)
        return brief(manifest, skills, waiting=waiting)

    def _waiting(self, session: str) -> int:
        found = self._get(f"/sessions/{quoted(session)}")
        count = found.get("unreadMail") if isinstance(found, dict) else 0
        return count if isinstance(count, int) else 0

    def _outside(self) -> str:
        where, headers = self._call.where()
        standing = self._get("/status", query=where, headers=headers)
        page = views.Page(width=self._call.output.width, colour=False)
        return outside(self._project(), views.status(standing, page))

    def _project(self) -> tuple[str, str] | None:
        """Name and directory of the project that is named, or that contains this directory."""
        named = self._call.context.project
        if named:
            found = self._get(f"/projects/{quoted(named)}")
        else:
            rows, _ = views.rows_of(self._get("/projects", query={"workingDir": str(Path.cwd())}))
            found = rows[0] if rows else None
        return (str(found.get("name")), str(found.get("workingDir"))) if isinstance(found, dict) else None

    def _get(
        self, path: str, *, query: dict[str, object] | None = None, headers: dict[str, str] | None = None
    ) -> object:
        return self._client.call("GET", path, query=query, headers=headers, timeout=self._left).body

    @property
    def _left(self) -> float:
        return max(0.05, self._deadline - time.monotonic())
