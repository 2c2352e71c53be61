"""tmux by a process per call, against a real server on a private socket."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from maestrod.tmux.errors import PaneGone, TmuxFailed, TmuxMissing, TmuxTimeout, TmuxTooOld
from maestrod.tmux.facts import Pane, PaneFacts, PaneRef
from maestrod.tmux.oneshot import Tmux
from maestrod.tmux.server import answers, clean_environment, remove_leftover, server_name, socket_path
from tests.support.eventually import eventually
from tests.support.tmux_server import READER, open_sleeper, private_server

pytestmark = pytest.mark.tmux

TEXT_300_KB = "".join(f"line {number} ✳漢 ;#{{pid}}$HOME\\ {number * 7}\n" for number in range(8_000))[
    :300_000
].rstrip()


def open_reader(tmux: Tmux, folder: Path, *, bracketed: bool = True, session_id: str = "ses_r") -> tuple[Pane, Path]:
    """Open a window whose program keeps every byte that is typed."""
    kept = folder / f"{session_id}.typed"
    argv = [sys.executable, str(READER), str(kept), "bracketed" if bracketed else "plain"]
    pane = tmux.open_window(session_id=session_id, name="reader", cwd=str(folder), argv=argv, env={})
    eventually(lambda: "ready" in tmux.capture(pane.ref, colours=False).text, what="the reader is ready")
    return pane, kept


def facts(tmux: Tmux, pane: Pane) -> PaneFacts:
    (found,) = [row for row in tmux.panes() if row.pane_id == pane.ref.pane_id]
    return found


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# --- the server -------------------------------------------------------------------------------------------


def test_every_way_to_write_a_home_names_the_same_server(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")

    names = {server_name(f"{tmp_path}/{way}") for way in ("home", "home/", "./home", "link", "link/../home")}

    assert len(names) == 1
    assert len(names.pop()) == len("maestro-") + 8


def test_many_first_windows_at_once_are_all_opened(tmux: Tmux) -> None:
    def opened(number: int) -> str:
        return open_sleeper(tmux, f"ses_{number}").ref.session_id

    with ThreadPoolExecutor(12) as crowd:
        found = set(crowd.map(opened, range(12)))
    assert found == {pane.session_id for pane in tmux.panes()} == {f"ses_{number}" for number in range(12)}


def test_nothing_starts_a_server_but_a_window_or_ensure_server(tmux: Tmux) -> None:
    assert tmux.panes() == []
    for deed in ON_A_PANE.values():
        with pytest.raises(PaneGone):
            deed(tmux, PaneRef("%1", "ses_1"))
    with pytest.raises(TmuxFailed):
        tmux.run("list-sessions")
    tmux.kill_server()
    assert not tmux.socket.exists()


def test_the_server_lives_on_without_any_window(tmux: Tmux) -> None:
    tmux.ensure_server()
    tmux.ensure_server()
    pane = open_sleeper(tmux)
    tmux.kill_window(pane.ref)

    assert tmux.panes() == []
    assert tmux.run("list-sessions", "-F", "#{session_name}").strip() == "maestro"


def test_two_that_start_the_server_at_once_get_the_same_one(tmux: Tmux) -> None:
    failures: list[Exception] = []

    def start() -> None:
        try:
            Tmux(tmux.name, tmux.conf.with_name(f"{threading.get_ident()}.conf"), os.environ).ensure_server()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert tmux.run("list-sessions", "-F", "#{session_name}").split() == ["maestro"]


def test_a_session_that_somebody_killed_is_made_again(tmux: Tmux) -> None:
    tmux.ensure_server()
    pid = tmux.run("display-message", "-p", "#{pid}")
    tmux.run("kill-session", "-t", "=maestro")

    pane = open_sleeper(tmux)

    assert tmux.run("display-message", "-p", "#{pid}") == pid
    assert not facts(tmux, pane).dead


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_server_inherits_no_descriptor_and_no_secret(tmux: Tmux) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        door = Tmux(tmux.name, tmux.conf, {**os.environ, "ANTHROPIC_API_KEY": "secret", "CLAUDECODE": "1"})
        door.ensure_server()
        server = psutil.Process(int(door.run("display-message", "-p", "#{pid}")))

        targets = {str(link.readlink()) for link in Path(f"/proc/{server.pid}/fd").iterdir()}
        assert f"pipe:[{os.fstat(write_end).st_ino}]" not in targets
        assert not {"ANTHROPIC_API_KEY", "CLAUDECODE", "TMUX_TMPDIR"} & set(server.environ())
        assert os.getsid(server.pid) != os.getsid(0)
    finally:
        os.close(read_end)
        os.close(write_end)


def test_the_configuration_is_private_and_without_errors(tmux: Tmux) -> None:
    tmux.ensure_server()

    assert stat.S_IMODE(tmux.conf.stat().st_mode) == 0o600
    assert list(tmux.conf.parent.iterdir()) == [tmux.conf]
    tmux.run("source-file", str(tmux.conf))
    assert tmux.run("show-options", "-gv", "history-limit").strip() == "10000"
    assert tmux.run("show-options", "-gwv", "remain-on-exit").strip() == "on"
    assert tmux.run("show-options", "-gwv", "window-size").strip() == "latest"
    assert tmux.run("show-options", "-gv", "default-terminal").strip() in ("tmux-256color", "screen-256color")


def test_a_configuration_that_cannot_be_written_is_said(tmux: Tmux) -> None:
    door = Tmux(tmux.name, Path("/proc/nowhere/tmux.conf"), os.environ)

    with pytest.raises(TmuxFailed, match="could not be written"):
        door.ensure_server()


def test_only_an_empty_server_is_ended_for_being_empty(tmux: Tmux) -> None:
    tmux.end_if_empty()
    pane = open_sleeper(tmux)

    tmux.end_if_empty()
    assert not facts(tmux, pane).dead

    tmux.kill_window(pane.ref)
    tmux.end_if_empty()
    eventually(lambda: not answers(tmux.socket))


def test_no_file_stays_when_the_server_is_killed(tmux: Tmux) -> None:
    open_sleeper(tmux)
    server = psutil.Process(int(tmux.run("display-message", "-p", "#{pid}")))

    tmux.kill_server()

    assert not list(tmux.socket.parent.glob(f"{tmux.name}*"))
    eventually(lambda: not lives(server))
    tmux.kill_server()
    assert not facts(tmux, open_sleeper(tmux)).dead


def test_no_file_stays_when_the_server_was_killed_by_force(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)
    os.kill(int(tmux.run("display-message", "-p", "#{pid}")), signal.SIGKILL)
    eventually(lambda: not answers(tmux.socket))

    assert tmux.socket.exists()
    with pytest.raises(PaneGone):
        tmux.capture(pane.ref, colours=False)
    tmux.kill_server()
    assert not list(tmux.socket.parent.glob(f"{tmux.name}*"))


def test_the_socket_of_a_living_server_is_never_removed(tmux: Tmux) -> None:
    tmux.ensure_server()

    remove_leftover(tmux.socket)

    assert answers(tmux.socket)
    assert not tmux.socket.with_name(f"{tmux.name}.lock").exists()


def test_a_server_that_hangs_is_a_timeout(tmux: Tmux) -> None:
    tmux.ensure_server()
    server = int(tmux.run("display-message", "-p", "#{pid}"))
    door = Tmux(tmux.name, tmux.conf, os.environ, timeout_s=0.3)
    os.kill(server, signal.SIGSTOP)
    try:
        with pytest.raises(TmuxTimeout) as caught:
            door.run("list-sessions")
        assert (caught.value.subcommand, caught.value.timeout_s) == ("list-sessions", 0.3)
    finally:
        os.kill(server, signal.SIGCONT)
    assert "maestro" in tmux.run("list-sessions")


# --- the program ------------------------------------------------------------------------------------------


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("installer", "how"),
    [("apt-get", "sudo apt-get install tmux"), ("dnf", "sudo dnf install tmux"), ("brew", "brew install tmux")],
)
def test_without_tmux_the_error_says_how_to_install_it(tmp_path: Path, installer: str, how: str) -> None:
    program(tmp_path, installer, "exit 0")
    with private_server(env={"PATH": str(tmp_path)}) as door:
        with pytest.raises(TmuxMissing) as caught:
            open_sleeper(door)
        assert caught.value.install == how
        assert how in str(caught.value)
        with pytest.raises(TmuxMissing):
            door.version()


@pytest.mark.parametrize("version", ["tmux 3.1", "tmux 3.1c", "tmux 2.9a", "tmux next-3.1"])
def test_an_old_tmux_is_refused_by_its_version(tmp_path: Path, version: str) -> None:
    program(tmp_path, "tmux", f"echo '{version}'")
    with private_server(env={"PATH": str(tmp_path)}) as door:
        with pytest.raises(TmuxTooOld) as caught:
            open_sleeper(door)
        assert caught.value.version == version.removeprefix("tmux ")


@pytest.mark.parametrize(
    "version", ["tmux 3.2", "tmux 3.3a", "tmux next-3.8", "tmux 10.0", "tmux master", "tmux openbsd-7.4"]
)
def test_a_tmux_that_is_new_enough_is_taken(tmp_path: Path, version: str) -> None:
    program(tmp_path, "tmux", f"echo '{version}'")
    with private_server(env={"PATH": str(tmp_path)}) as door:
        assert door.version() == version.removeprefix("tmux ")


def test_the_server_leaves_the_cgroup_where_there_is_a_user_manager(tmp_path: Path) -> None:
    (tmp_path / "run" / "systemd").mkdir(parents=True)
    (tmp_path / "run" / "systemd" / "private").touch()
    told = tmp_path / "told"
    program(
        tmp_path / "bin", "systemd-run", f'echo "$@" > {told}\nwhile [ "$1" != "--" ]; do shift; done; shift; exec "$@"'
    )
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "XDG_RUNTIME_DIR": f"{tmp_path}/run"}
    with private_server(env=env) as door:
        door.ensure_server()
        assert told.read_text().startswith("--user --scope --quiet --collect -- ")
        assert "maestro" in door.run("list-sessions")


def test_a_user_manager_that_refuses_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "run" / "systemd").mkdir(parents=True)
    (tmp_path / "run" / "systemd" / "private").touch()
    program(tmp_path / "bin", "systemd-run", "exit 1")
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "XDG_RUNTIME_DIR": f"{tmp_path}/run"}
    with private_server(env=env) as door:
        door.ensure_server()
        assert "maestro" in door.run("list-sessions")


def test_the_caller_s_tmux_variables_lead_nowhere_else() -> None:
    env = clean_environment({"TMUX": "/tmp/x,1,2", "TMUX_PANE": "%1", "TMUX_TMPDIR": "/nowhere", "LC_ALL": "C.UTF-8"})

    assert env == {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    assert socket_path("maestro-x") == Path(f"/tmp/tmux-{os.getuid()}/maestro-x")


def test_the_command_line_loads_no_event_loop_for_it() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, maestrod.tmux.oneshot; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert not {"asyncio", "logging", "psutil", "aiohttp", "pydantic"} & set(loaded)


# --- windows ----------------------------------------------------------------------------------------------


def test_a_window_is_marked_and_starts_at_the_size_asked_for(tmux: Tmux) -> None:
    first = open_sleeper(tmux)
    second = tmux.open_window(session_id="ses_2", name="x", cwd="/", argv=["sleep", "600"], env={}, width=90, height=20)

    one, two = facts(tmux, first), facts(tmux, second)
    assert (one.session_id, one.width, one.height) == ("ses_1", 120, 40)
    assert (two.session_id, two.width, two.height) == ("ses_2", 90, 20)
    assert (two.window_id, two.pid) == (second.window_id, second.pid)
    assert tmux.run("display-message", "-p", "-t", "=maestro:", "#{window_name}").strip() == "keeper"


def test_arguments_environment_and_directory_arrive_as_they_are(tmux: Tmux, tmp_path: Path) -> None:
    folder = tmp_path / "a #{pid} %H #(touch pwned) #[x] é ; \\ $HOME"
    folder.mkdir()
    words = ["", ";", "a;", "a\\;", "$HOME", "#{pid}", "two words", "q\"'", "é\n\tx", "-t", "--", "~"]
    script = (
        "import os,sys,json; open(sys.argv[1],'w').write(json.dumps([sys.argv[2:], os.getcwd(), os.environ['SAID']]))"
    )

    tmux.open_window(
        session_id="ses_1",
        name="#{pid};",
        cwd=str(folder),
        argv=[sys.executable, "-c", script, str(tmp_path / "told.json"), *words],
        env={"SAID": "a=b #{pid} $HOME;"},
    )

    told = json.loads(eventually(lambda: (tmp_path / "told.json").read_text()))
    assert told == [words, str(folder), "a=b #{pid} $HOME;"]
    assert not list(folder.iterdir())
    assert "#{pid};" in tmux.run("list-windows", "-t", "=maestro", "-F", "#{window_name}")


@pytest.mark.parametrize("cwd", ["/nowhere/at/all", "/etc/passwd", "", "a\0b"])
def test_a_window_needs_a_directory_to_start_in(tmux: Tmux, cwd: str) -> None:
    with pytest.raises(TmuxFailed, match="no directory to start in"):
        tmux.open_window(session_id="ses_1", name="x", cwd=cwd, argv=["true"], env={})
    assert not tmux.socket.exists()


@pytest.mark.parametrize("size", [(0, 40), (120, -1), (10_001, 40)])
def test_a_window_needs_a_size_that_it_can_have(tmux: Tmux, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="size"):
        tmux.open_window(session_id="ses_1", name="x", cwd="/", argv=["true"], env={}, width=size[0], height=size[1])
    assert not tmux.socket.exists()


def test_what_is_too_long_for_tmux_is_an_error_and_not_half_a_window(tmux: Tmux) -> None:
    with pytest.raises(TmuxFailed, match="too long"):
        tmux.open_window(session_id="ses_1", name="x", cwd="/", argv=["true"], env={"BIG": "x" * 50_000})
    assert tmux.panes() == []


def test_a_session_id_that_could_not_be_one_opens_nothing(tmux: Tmux) -> None:
    with pytest.raises(ValueError, match="session id"):
        tmux.open_window(session_id="a;kill-server", name="x", cwd="/", argv=["true"], env={})
    assert not tmux.socket.exists()


def test_the_exit_status_is_known_every_time(tmux: Tmux) -> None:
    """tmux 3.3 loses one in eight by itself."""
    panes = [open_sleeper(tmux, f"ses_{n}", script=f"sleep 0.0{n}; exit {n}") for n in range(1, 9)]

    eventually(lambda: all(facts(tmux, pane).dead_status is not None for pane in panes))

    assert [facts(tmux, pane).dead_status for pane in panes] == list(range(1, 9))


def test_the_last_screen_of_the_dead_can_be_read(tmux: Tmux) -> None:
    pane = open_sleeper(tmux, script="seq 1 60; exit 3")
    eventually(lambda: facts(tmux, pane).dead)

    shown = tmux.capture(pane.ref, colours=False, history_lines=100)

    assert shown.dead
    assert [line for line in shown.text.split("\n") if line] == [str(number) for number in range(1, 61)]


def test_a_program_that_is_not_there_ends_with_127(tmux: Tmux) -> None:
    pane = tmux.open_window(session_id="ses_1", name="x", cwd="/", argv=["/no/such/program"], env={})

    eventually(lambda: facts(tmux, pane).dead_status == 127)
    assert "no/such/program" in tmux.capture(pane.ref, colours=False).text


def test_hostile_titles_stay_in_their_column(tmux: Tmux) -> None:
    title = "a|b|%1|#{pid} ✳ ses_9|1"
    pane = open_sleeper(tmux, script=f"printf '\\033]2;{title}\\007'; sleep 600".replace("%1", "%%1"))

    eventually(lambda: facts(tmux, pane).title == title)
    assert facts(tmux, pane).session_id == "ses_1"
    assert facts(tmux, pane).command in ("sh", "sleep")


def test_a_kill_ends_what_ran_there(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)
    guard = psutil.Process(pane.pid)
    below = eventually(lambda: guard.children(recursive=True))

    tmux.kill_window(pane.ref)

    eventually(lambda: not any(map(lives, [guard, *below])))


# --- only the right pane ----------------------------------------------------------------------------------


Deed = Callable[[Tmux, PaneRef], object]
ON_A_PANE: dict[str, Deed] = {
    "capture": lambda tmux, pane: tmux.capture(pane, colours=True),
    "send_text": lambda tmux, pane: tmux.send_text(pane, "rm -rf /"),
    "send_keys": lambda tmux, pane: tmux.send_keys(pane, "q"),
    "kill_window": lambda tmux, pane: tmux.kill_window(pane),
    "resize": lambda tmux, pane: tmux.resize(pane, width=50, height=10),
    "attach_argv": lambda tmux, pane: tmux.attach_argv(pane),
}


@pytest.mark.parametrize("deed", ON_A_PANE.values(), ids=ON_A_PANE.keys())
def test_a_pane_of_another_session_is_refused_and_left_alone(tmux: Tmux, tmp_path: Path, deed: Deed) -> None:
    pane, kept = open_reader(tmux, tmp_path)

    with pytest.raises(PaneGone, match="belongs to session 'ses_r'"):
        deed(tmux, PaneRef(pane.ref.pane_id, "ses_other"))

    assert (facts(tmux, pane).width, facts(tmux, pane).dead) == (120, False)
    assert kept.read_bytes() == b""
    assert tmux.run("list-buffers") == ""


@pytest.mark.parametrize("deed", ON_A_PANE.values(), ids=ON_A_PANE.keys())
def test_a_pane_that_is_not_there_is_gone(tmux: Tmux, deed: Deed) -> None:
    tmux.ensure_server()

    with pytest.raises(PaneGone):
        deed(tmux, PaneRef("%99", "ses_1"))

    assert tmux.run("list-buffers") == ""


def test_nothing_is_typed_into_the_dead_and_the_server_survives_it(tmux: Tmux) -> None:
    """In tmux 3.3 one paste into a dead pane crashes the server with every agent in it."""
    pane = open_sleeper(tmux, script="exit 0")
    other = open_sleeper(tmux, "ses_2")
    eventually(lambda: facts(tmux, pane).dead)

    with pytest.raises(PaneGone, match="has ended"):
        tmux.send_text(pane.ref, "hello")
    with pytest.raises(PaneGone, match="has ended"):
        tmux.send_keys(pane.ref, "Enter")

    assert not facts(tmux, other).dead
    assert tmux.run("list-buffers") == ""


# --- typing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "/help",
        "!ls",
        "-t %0",
        "ends with;",
        "ends with \\;",
        "$HOME `id` #{pid} ~ 'quoted' \"twice\"",
        "Enter",
        "tab\there ✳ 漢字 é",
        "\n".join(f"line {number}" for number in range(60)),
        TEXT_300_KB,
    ],
    ids=lambda text: text[:20].replace("\n", "."),
)
def test_a_text_arrives_as_it_is_in_one_paste(tmux: Tmux, tmp_path: Path, text: str) -> None:
    pane, kept = open_reader(tmux, tmp_path)

    tmux.send_text(pane.ref, text)

    expected = b"\x1b[200~" + text.encode() + b"\x1b[201~\r"
    eventually(lambda: len(kept.read_bytes()) >= len(expected))
    assert kept.read_bytes() == expected
    assert tmux.run("list-buffers") == ""


def test_a_text_cannot_end_its_own_paste(tmux: Tmux, tmp_path: Path) -> None:
    pane, kept = open_reader(tmux, tmp_path)

    tmux.send_text(pane.ref, "before\x1b[201~\rrm -rf /\x03\r\n\n\n")

    eventually(lambda: kept.read_bytes().endswith(b"\r"))
    assert kept.read_bytes() == b"\x1b[200~before\nrm -rf /\x1b[201~\r"


def test_a_program_without_bracketed_paste_gets_line_feeds(tmux: Tmux, tmp_path: Path) -> None:
    pane, kept = open_reader(tmux, tmp_path, bracketed=False)

    tmux.send_text(pane.ref, "a\nb")

    eventually(lambda: kept.read_bytes() == b"a\nb\r")


def test_copy_mode_is_left_before_typing(tmux: Tmux, tmp_path: Path) -> None:
    pane, kept = open_reader(tmux, tmp_path, bracketed=False)
    tmux.run("copy-mode", "-t", pane.ref.pane_id)
    assert facts(tmux, pane).in_mode

    tmux.send_text(pane.ref, "hello")

    eventually(lambda: kept.read_bytes() == b"hello\r")
    assert not facts(tmux, pane).in_mode


def test_nothing_is_pasted_when_nothing_is_left(tmux: Tmux, tmp_path: Path) -> None:
    pane, kept = open_reader(tmux, tmp_path)

    tmux.paste(pane.ref, "\x1b[31m\n\n")
    tmux.send_keys(pane.ref, "x")

    eventually(lambda: kept.read_bytes() == b"x")


def test_keys_go_by_their_names_and_other_text_as_it_is(tmux: Tmux, tmp_path: Path) -> None:
    pane, kept = open_reader(tmux, tmp_path)

    tmux.send_keys(pane.ref, "Up", "C-c", "y", ";", "-x", "no such key")

    eventually(lambda: kept.read_bytes() == b"\x1b[A\x03y;-xno such key")


# --- seeing -----------------------------------------------------------------------------------------------


def test_a_capture_has_text_size_cursor_and_title(tmux: Tmux) -> None:
    script = r"printf '\033]2;a title\007\033[31mred\033[0m\r\nplain ✳'; sleep 600"
    pane = open_sleeper(tmux, script=script)
    eventually(lambda: "plain" in tmux.capture(pane.ref, colours=False).text)

    coloured = tmux.capture(pane.ref, colours=True)
    plain = tmux.capture(pane.ref, colours=False)

    assert plain.text.split("\n")[:3] == ["red", "plain ✳", ""]
    assert len(plain.text.split("\n")) == 40
    assert coloured.text.startswith("\x1b[31mred")
    assert (plain.width, plain.height, plain.cursor_x, plain.cursor_y) == (120, 40, 7, 1)
    assert (plain.title, plain.alternate, plain.dead) == ("a title", False, False)


def test_a_capture_knows_the_alternate_screen(tmux: Tmux) -> None:
    pane = open_sleeper(tmux, script=r"printf '\033[?1049hdrawn'; sleep 600")

    eventually(lambda: "drawn" in tmux.capture(pane.ref, colours=False).text)

    assert tmux.capture(pane.ref, colours=False).alternate
    assert facts(tmux, pane).alternate_on


def test_history_comes_only_when_asked_for(tmux: Tmux) -> None:
    pane = open_sleeper(tmux, script="seq 1 100; sleep 600")
    eventually(lambda: "100" in tmux.capture(pane.ref, colours=False).text)

    assert len(tmux.capture(pane.ref, colours=False).text.split("\n")) == 40
    assert tmux.capture(pane.ref, colours=False, history_lines=10).text.split("\n")[0] == "52"


def test_a_size_given_is_kept_and_not_pinned(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)

    tmux.resize(pane.ref, width=100, height=30)

    assert (facts(tmux, pane).width, facts(tmux, pane).height) == (100, 30)
    assert tmux.run("show-options", "-wv", "-t", pane.ref.pane_id, "window-size").strip() == ""
