"""Sends what a session said while no daemon could be reached: in order, with its own rights, each call once."""

import os
import time

from maestro_cli import spool
from maestro_cli.failures import Failure
from maestro_cli.spool import Kept
from maestrod.client import jsontext
from maestrod.client.errors import ClientError, Refused

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from maestrod.client.blocking import Client

    Document = dict[str, object]

LOCK = ".flush"
MOST_LINES = 20
"""Calls of which the agent is told one by one."""


class Flushed:
    """What came of sending; ``stopped`` is what ended it while something still waits."""

    __slots__ = ("applied", "refused", "stopped")

    def __init__(self) -> None:
        self.applied: list[Kept] = []
        self.refused: list[Kept] = []
        self.stopped: ClientError | Failure | None = None


def flush(place: str, client: "Client", deadline: float) -> Flushed:
    """Send what waits in a session's folder until the time runs out; what cannot be sent now waits on."""
    came = Flushed()
    if not spool.names(place):
        return came
    try:
        lock = turn(place, deadline)
    except OSError as error:  # another call is sending, or the folder is not ours to change
        came.stopped = ClientError(f"{place}: {error.strerror}") if spool.names(place) else None
        return came
    sending = _Sending(place, client, deadline, came)
    try:
        while (waiting := spool.names(place)) and came.stopped is None:
            for name in waiting:
                try:
                    sending.one(name)
                except (ClientError, Failure) as stopped:
                    came.stopped = stopped
                    break
    finally:
        os.close(lock)
    return came


def turn(place: str, deadline: float) -> int:
    """The right to take calls out of a folder, until the descriptor is closed.

    Raises:
        OSError: another call has it, or the folder is not ours to change.
    """
    until = min(deadline, time.monotonic() + spool.LOCK_S)
    return spool.locked(os.path.join(place, LOCK), os.O_RDWR | os.O_CREAT, until)


class _Sending:
    """One pass over a folder that is locked."""

    def __init__(self, place: str, client: "Client", deadline: float, came: Flushed) -> None:
        self._place = place
        self._session = os.path.basename(place)
        self._client = client
        self._deadline = deadline
        self._came = came

    def one(self, name: str) -> None:
        """Send a call and put it where it belongs then.

        Raises:
            ClientError: it cannot be sent now, or not be put anywhere.
            Failure: the daemon could not be started.
        """
        path = os.path.join(self._place, name)
        try:
            document = spool.read(path)
            spool.check(document)
        except FileNotFoundError:
            return  # it was dropped meanwhile
        except (spool.Damaged, OSError) as damage:
            self._refused(Kept(name, self._session, {}), {"code": "DAMAGED", "message": str(damage)})
            return
        kept = Kept(name, self._session, document)
        problem = self._problem(document)
        if problem is not None:
            self._refused(kept, problem)
            return
        try:
            os.unlink(path)
        except OSError as error:  # its key makes it count once, so sending it again harms nothing
            raise ClientError(f"{path}: {error.strerror}") from None
        self._came.applied.append(kept)

    def _problem(self, document: "Document") -> "Document | None":
        """What the daemon has against a call; None when it is done.

        Raises:
            ClientError: it cannot be sent now.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise ClientError("no time is left")
        headers = document["headers"]
        assert isinstance(headers, dict)
        method, path = str(document["method"]), str(document["path"])
        try:
            self._client.call(method, path, body=document["body"], headers=headers, timeout=left)
        except Refused as refused:
            if refused.retryable or refused.status == 401:
                raise
            return {"code": refused.code, "message": refused.message, "hint": refused.hint}
        except ValueError as error:
            return {"code": "DAMAGED", "message": str(error)}
        return None

    def _refused(self, kept: Kept, problem: "Document") -> None:
        """Move a call to the refused ones, with the reason.

        Raises:
            ClientError: it cannot be moved.
        """
        source, aside = os.path.join(self._place, kept.name), os.path.join(self._place, spool.REFUSED)
        problem["at"] = time.time_ns() // 1_000_000
        try:
            os.makedirs(aside, mode=0o700, exist_ok=True)
            if kept.document:
                raw = (jsontext.write({**kept.document, "refused": problem}) + "\n").encode()
                spool.write(aside, kept.name, raw)
                os.unlink(source)
            else:
                os.rename(source, os.path.join(aside, kept.name))
        except OSError as error:
            raise ClientError(f"{aside}: {error.strerror}") from None
        kept.problem = problem
        self._came.refused.append(kept)


def summary(came: Flushed) -> str:
    """What came of it, in a line."""
    parts = [f"{len(came.applied)} of what was queued is applied"] if came.applied else []
    parts += [f"{len(came.refused)} refused: `maestro spool list` says why"] if came.refused else []
    return "maestro: " + "; ".join(parts)


def lines(came: Flushed, before: "list[Kept]") -> list[str]:
    """What came of it, a line each, for the agent; ``before`` was refused when nobody could be told."""
    here = {kept.name for kept in came.refused}
    calls = sorted([*came.applied, *came.refused, *(k for k in before if k.name not in here)], key=lambda k: k.name)
    if len(calls) <= MOST_LINES:
        return [_line(kept) for kept in calls]
    refused = [kept for kept in calls if kept.problem is not None]
    more = [f"and {len(refused) - MOST_LINES} more: `maestro spool list`"] if len(refused) > MOST_LINES else []
    return [
        f"{len(calls) - len(refused)} calls of `maestro` that were queued until now: done",
        *(_line(kept) for kept in refused[:MOST_LINES]),
        *more,
    ]


def _line(kept: Kept) -> str:
    said = f"`maestro {kept.words}`, which was queued until now:"
    if kept.problem is None:
        return f"{said} done"
    return f"{said} refused: {kept.problem.get('message')} {kept.problem.get('hint') or ''}".rstrip()
