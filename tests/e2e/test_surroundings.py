"""Where an agent works, what it is called, and who starts it make no difference."""

import psutil
import pytest

from tests.e2e.workshop import PROVIDERS, Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

TITLE = 'Fix "it"; $(touch /tmp/nobody) `ls` #{pane_id} %1 \\ & 日本語;'


@pytest.mark.parametrize("provider", PROVIDERS)
def test_titles_and_directories_are_taken_as_they_are(bare: Workshop, provider: str) -> None:
    bare.project = bare.folder / "my 'project' $HOME; #{x} 日本"
    bare.project.mkdir()
    bare.begin()
    task = bare.ok("task", "create", TITLE, "--description", 'It\'s "quoted"\n-- $PATH')["id"]

    session_id = bare.spawn(provider, task)

    bare.ran("task complete")
    assert bare.session(session_id)["name"] == TITLE
    assert bare.get(f"/tasks/{task}")["status"] == "completed"
    (started,) = bare.log("start")
    assert started["cwd"] == str(bare.project)
    bare.no_agent_stumbled()


def test_an_agent_sees_nothing_of_the_terminal_and_the_agent_that_started_it(shop: Workshop) -> None:
    outer = {"TMUX": "/tmp/nowhere,1,0", "TMUX_PANE": "%99", "CLAUDECODE": "1", "CLAUDE_CODE_ENTRYPOINT": "cli"}
    shop.env |= {**outer, "TERM_PROGRAM": "outer", "EDITOR": "vi"}
    shop.script("claude", f"WAIT: {shop.folder / 'never'}")

    session_id = shop.spawn("claude", shop.task())

    pid = shop.session(session_id)["pane"]["pid"]
    environ = psutil.Process(pid).environ()
    assert environ["EDITOR"] == "vi"
    assert environ["MAESTRO_SESSION_ID"] == session_id
    assert not [
        name for name in (*outer, "TERM_PROGRAM") if environ.get(name) in ({**outer, "TERM_PROGRAM": "outer"}).values()
    ]


def test_maestro_is_on_the_path_of_agents_though_not_on_the_callers(shop: Workshop) -> None:
    kept = [folder for folder in shop.env["PATH"].split(":") if not (shop.folder / folder / "maestro").exists()]
    shop.env["PATH"] = ":".join(kept)
    shop.script("claude", "RUN: maestro task start $MAESTRO_TASK_IDS", "RUN: maestro task complete $MAESTRO_TASK_IDS")

    session_id = shop.spawn("claude", shop.task())

    shop.becomes(session_id, "completed")
    shop.no_agent_stumbled()


@pytest.mark.parametrize("runtime", [True, False])
def test_without_a_home_of_its_own_maestro_lies_in_the_platforms_places(bare: Workshop, runtime: bool) -> None:
    del bare.env["MAESTRO_HOME"]
    if runtime:
        place = bare.folder / "runtime"
        place.mkdir(mode=0o700)
        bare.env["XDG_RUNTIME_DIR"] = str(place)
    bare.begin()
    task = bare.task()

    session_id = bare.spawn("claude", task)

    assert bare.maestro("session", "wait", session_id, "--until", "completed", "--timeout", "50").code == 0
    assert bare.ok("task", "get", task)["status"] == "completed"
    bare.no_agent_stumbled()
    assert bare.ok("daemon", "restart")["started"] is True
    assert bare.ok("session", "info", session_id)["status"] == "completed"
    assert list(bare.home.iterdir()) == [bare.home / "config"]
    assert bare.ok("daemon", "stop")["stopped"] is True
