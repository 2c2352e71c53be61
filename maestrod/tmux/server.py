"""The private tmux server: its name, its configuration, its environment, its socket."""

import fcntl
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

CONF = r"""# The private tmux server of Agent Maestro. Written anew at every start; the user's own tmux is not touched.
set-option -s exit-empty off
set-option -s escape-time 10
set-option -s set-clipboard off
# A pane that died with focus reporting on makes tmux 3.3 and 3.4 crash when the focus changes.
set-option -s focus-events off

set-option -g destroy-unattached off
set-option -g default-size 120x40
set-option -g history-limit 10000
set-option -g update-environment ""
set-option -g mouse off
set-option -g set-titles off
set-option -g default-terminal screen-256color
if-shell "infocmp tmux-256color >/dev/null 2>&1" "set-option -g default-terminal tmux-256color"
set-environment -g COLORTERM truecolor

set-option -g remain-on-exit on
set-option -gq remain-on-exit-format ""
set-option -g aggressive-resize on
set-option -g allow-rename off
set-option -g automatic-rename off
set-option -gq allow-passthrough off
set-option -g monitor-activity off
set-option -g monitor-bell off

set-option -g status on
set-option -g status-interval 0
set-option -g status-style bg=default,fg=colour244
set-option -g status-left " #{=60:window_name}#{?pane_dead, (ended),}"
set-option -g status-left-length 80
set-option -g status-right "ctrl-b d: leave   ctrl-b [: scroll "
set-option -g status-right-length 60
set-option -g window-status-format ""
set-option -g window-status-current-format ""
set-option -g window-status-separator ""

# Nobody splits, kills, renames or pastes by accident here.
unbind-key -a -T prefix
set-option -g prefix C-b
bind-key -T prefix C-b send-prefix
bind-key -T prefix d detach-client
bind-key -T prefix [ copy-mode
bind-key -T prefix PPage copy-mode -u
bind-key -T prefix n next-window
bind-key -T prefix p previous-window

# The guard of a pane leaves focus reporting off; when the guard itself was killed, this does it.
set-hook -g pane-died "if-shell -F '#{pane_dead_signal}' 'send-keys -R'"
"""

KEEPER = ("/bin/sh", "-c", 'echo "Agent Maestro keeps its agents in this tmux. ctrl-b d leaves it."')
"""What the hidden window runs that keeps the session when the last agent is gone: it ends, its pane stays."""

GUARD = r"""trap : INT QUIT TERM
"$@"
code=$?
trap '' TTIN TTOU
exec 2>/dev/null
stty -icanon -echo min 0 time 10
printf '\033[?1004l\033[?2004l\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?25h\033[5n'
while got=$(dd bs=64 count=1) && [ -n "$got" ]; do
  case $got in *0n*) break ;; esac
done
exit "$code"
"""
"""What a pane runs round the program: it outlives it and takes back the modes that it set.

tmux throws away what it has not read when the pane's last process ends. So the guard asks the terminal for its
status and waits up to a second for the answer: then all before it was read. It must die of SIGHUP: the kernel
tells only the leader of a hang-up, and its death tells the others.
"""

_ALLOWED = frozenset(
    {
        "COLORTERM",
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "PATH",
        "SHELL",
        "SSH_AUTH_SOCK",
        "TMPDIR",
        "TZ",
        "USER",
        "WAYLAND_DISPLAY",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
    }
)
_PATH = "/usr/local/bin:/usr/bin:/bin"
_INSTALLERS = {
    "apt-get": "sudo apt-get install tmux",
    "dnf": "sudo dnf install tmux",
    "pacman": "sudo pacman -S tmux",
    "apk": "sudo apk add tmux",
    "zypper": "sudo zypper install tmux",
}


def server_name(home: str) -> str:
    """Name the server of a home: the same for every way to write the home's path."""
    real = os.path.realpath(home)
    return f"maestro-{hashlib.sha256(os.fsencode(real)).hexdigest()[:8]}"


def socket_path(name: str) -> Path:
    """Say where tmux puts the socket of ``-L name`` when TMUX_TMPDIR is not set."""
    return Path(f"/tmp/tmux-{os.getuid()}") / name  # noqa: S108 - tmux decides, and checks who owns the folder


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Keep of ``env`` what a server may have and hand to its panes.

    TMUX_TMPDIR is left out: the daemon and the command line must find the same socket.
    """
    kept = {name: value for name, value in env.items() if name in _ALLOWED or name.startswith("LC_")}
    return {"PATH": _PATH} | kept


def install_command(path: str) -> str:
    """Say how tmux is installed here, going by the installers on ``path``."""
    return next((how for tool, how in _INSTALLERS.items() if shutil.which(tool, path=path)), "brew install tmux")


def scope_prefix(env: Mapping[str, str]) -> tuple[str, ...]:
    """Say what to put before a command so that it leaves our cgroup; empty where there is no user manager."""
    manager = Path(env.get("XDG_RUNTIME_DIR", "/nonexistent")) / "systemd" / "private"
    tool = shutil.which("systemd-run", path=env["PATH"])
    if tool is None or not manager.exists():
        return ()
    return (tool, "--user", "--scope", "--quiet", "--collect", "--")


def write_conf(conf: Path) -> None:
    """Write ``CONF`` with mode 0600, aside and renamed.

    Raises:
        OSError: the folder is missing or not ours.
    """
    aside = conf.with_name(f".{conf.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(CONF)
    aside.replace(conf)


def answers(path: Path) -> bool:
    """Say whether a server listens at ``path``; never waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def remove_leftover(path: Path) -> None:
    """Unlink the socket of a dead server, under tmux's own lock so that a server starting now keeps its own.

    Raises:
        OSError: the folder is not ours.
    """
    if not path.exists():
        return
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not answers(path):
            path.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    except BlockingIOError:
        pass  # a server is being started at this moment: the socket is its business
    finally:
        os.close(descriptor)
