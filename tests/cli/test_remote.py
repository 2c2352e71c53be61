"""The command over TCP: a URL and a key are all that it needs, and a key says who you are."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maestrod.client.errors import Unreachable
from maestrod.client.remote import unpacked
from maestrod.client.wire import Lost
from tests.cli.program import Maestro
from tests.daemon.remote import Remote, remote

pytestmark = pytest.mark.xdist_group("cli-remote")

Abroad = Callable[..., Maestro]


@pytest.fixture(scope="module")
def far() -> Iterator[Remote]:
    with remote() as found:
        yield found


@pytest.fixture
def abroad(far: Remote, tmp_path: Path) -> Abroad:
    """The command on a machine that has nothing of the daemon but its address."""

    def command(key: str = "", **env: str) -> Maestro:
        keys = {"MAESTRO_API_KEY": key} if key else {}
        return Maestro(tmp_path, env={"MAESTRO_SERVER": far.url, "MAESTRO_TIMEOUT": "30"} | keys | env)

    return command


def test_whoami_shows_the_key(far: Remote, abroad: Abroad) -> None:
    key = far.key("read")
    maestro = abroad(key["secret"])
    assert f"key:{key['id']}" in maestro("whoami").out
    found = maestro.ok("whoami")
    assert isinstance(found, dict)
    assert (found["actor"]["kind"], found["actor"]["id"], found["server"]) == ("key", key["id"], far.url)


def test_a_key_may_lie_in_a_file(far: Remote, abroad: Abroad, tmp_path: Path) -> None:
    key = far.key("read")
    file = tmp_path / "key"
    file.write_text(f"{key['secret']}\n")
    assert key["id"] in abroad(MAESTRO_API_KEY_FILE=str(file))("whoami").out
    assert abroad(MAESTRO_API_KEY_FILE=str(tmp_path / "none"))("whoami", "--json").error == "unauthorized"


def test_without_a_key_or_with_one_that_counts_no_more_it_is_not_allowed(far: Remote, abroad: Abroad) -> None:
    key = far.key()
    assert abroad(key["secret"])("task", "list").code == 0
    far.ok("DELETE", f"/keys/{key['id']}")
    for maestro in (abroad(), abroad(key["secret"]), abroad("mk_" + "A" * 43)):
        refused = maestro("task", "list", "--json")
        assert (refused.code, refused.error) == (4, "unauthorized")


def test_what_is_made_over_tcp_is_there_and_long_lists_arrive_whole(far: Remote, abroad: Abroad) -> None:
    project = far.project()
    maestro = abroad(far.key("write", only=[project])["secret"])
    made = maestro.ok("task", "create", "From afar", "--description", "again and again " * 400)
    assert isinstance(made, dict)
    assert made["projectId"] == project["id"]
    assert [task["id"] for task in far.ok("GET", f"/tasks?projectId={project['id']}")] == [made["id"]]
    shown = maestro.ok("task", "get", made["id"])
    assert isinstance(shown, dict)
    assert shown["description"] == made["description"]
    refused = maestro("task", "get", far.task()["id"], "--json")
    assert (refused.code, refused.error) == (4, "forbidden")


def test_events_are_followed_over_tcp(far: Remote, abroad: Abroad) -> None:
    project = far.project()
    seq = far.ok("GET", "/hello")["durableSeq"]
    far.task()
    task = far.task(project)
    maestro = abroad(far.key("read", only=[project])["secret"])
    said = maestro("watch", "--all", "--after", str(seq), "--count", "1", "--json")
    assert task["id"] in said.out


def test_packed_answers_are_unpacked_as_far_as_they_can_be() -> None:
    whole = gzip.compress(b"again " * 1_000)
    assert unpacked(whole) == b"again " * 1_000
    with pytest.raises(Lost):
        unpacked(whole[:-9])
    for wrong, limit in ((b"no gzip", 10_000), (b"", 10_000), (whole, 100)):
        with pytest.raises((Unreachable, Lost)):
            unpacked(wrong, limit)
