"""A resumed session belongs to its new run alone."""

from pathlib import Path
from typing import Any

from tests.support.daemon import Daemon, daemon


def launched(running: Daemon) -> tuple[str, str]:
    """A session whose launch was won: its id, and the credential that came with it."""
    project: Any = running.ok("POST", "/projects", {"name": "shop", "workingDir": str(running.home)})
    spawned: Any = running.ok("POST", "/sessions/spawn", {"projectId": project["id"], "provider": "claude"})
    session_id = str(spawned["sessionId"])
    won: Any = running.ok("POST", f"/sessions/{session_id}/launch", {"holder": "test"})
    return session_id, str(won["credential"])


def as_session(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def test_the_old_run_of_a_resumed_session_has_no_say_any_more() -> None:
    with daemon() as running:
        session_id, credential = launched(running)
        running.ok("POST", f"/sessions/{session_id}/stop", {})
        running.ok("POST", f"/sessions/{session_id}/resume", {})
        late = running.call("POST", f"/sessions/{session_id}/exit", {"code": 1}, headers=as_session(credential))
        assert late.status == 401
        session: Any = running.ok("GET", f"/sessions/{session_id}")
        assert session["status"] == "spawning"


def test_evidence_of_the_old_run_says_nothing_of_the_new_one() -> None:
    with daemon() as running:
        session_id, credential = launched(running)
        hook = {"provider": "claude", "event": "Stop", "payload": {}}
        running.ok("POST", f"/sessions/{session_id}/hook", hook, headers=as_session(credential))
        running.ok("POST", f"/sessions/{session_id}/stop", {})
        running.ok("POST", f"/sessions/{session_id}/resume", {})
        explained: Any = running.ok("GET", f"/sessions/{session_id}/explain")
        assert explained["evidence"] == []


def test_projects_compare_their_directories_by_real_path(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    with daemon() as running:
        project: Any = running.ok("POST", "/projects", {"name": "shop", "workingDir": str(link)})
        assert project["workingDir"] == str(real)
        again = running.call("POST", "/projects", {"name": "twin", "workingDir": str(real)})
        assert again.status == 409
