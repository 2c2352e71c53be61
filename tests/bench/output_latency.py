"""How long an agent's line takes from its pane to the screen of ``maestro tui``.

``python -m tests.bench.output_latency [--lines 100]``: a real daemon, a real agent process in its pane, the real
screen in a terminal of a private tmux server. The agent writes a line now and then with the time at which it wrote
it; the screen is read until the line is there.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from maestrod.tmux.oneshot import Tmux, server_name
from tests.support.daemon import daemon

BUDGET_MS = 150.0
EVERY_S = 0.23
LIMIT_S = 120.0
MARK = re.compile(r"@(\d{3})@(\d+)@")
AGENT = """#!{python}
import sys, time
print("\\033[?25l", end="", flush=True)
time.sleep(4)
for number in range({lines}):
    print(f"\\r\\033[2K@{{number:03d}}@{{time.monotonic_ns()}}@", end="", flush=True)
    time.sleep({every})
time.sleep(600)
"""


def main() -> int:
    """Print median and 95th percentile; the exit code says whether the budget was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100)
    lines = int(parser.parse_args().lines)
    taken = sorted(measure(lines))
    median, worst = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    sys.stdout.write(f"{len(taken)} of {lines} lines: median {median:.0f} ms, p95 {worst:.0f} ms\n")
    return 0 if len(taken) >= lines * 0.9 and worst <= BUDGET_MS else 1


def measure(lines: int) -> list[float]:
    """Milliseconds from writing to seeing, for each line that was seen."""
    with daemon() as running, tempfile.TemporaryDirectory(prefix="mae-", dir="/tmp") as folder:
        agent = Path(folder) / "claude"
        agent.write_text(AGENT.format(python=sys.executable, lines=lines, every=EVERY_S), encoding="utf-8")
        agent.chmod(0o755)
        env = {**os.environ, **running.env, "PATH": f"{folder}:{os.environ['PATH']}", "TERM": "xterm-256color"}
        maestro = [sys.executable, "-m", "maestro_cli"]
        subprocess.run([*maestro, "init", folder], env=env, check=True, capture_output=True)
        spawn = ["session", "spawn", "--provider", "claude", "--name", "talker", "--project", Path(folder).name]
        subprocess.run([*maestro, *spawn], env=env, check=True, capture_output=True, cwd=folder)
        screen = ["tmux", "-L", f"{Path(folder).name}-eyes", "-f", "/dev/null"]
        try:
            subprocess.run(
                [*screen, "new-session", "-d", "-x", "140", "-y", "40", *maestro, "tui"], env=env, check=True
            )
            return _watch(screen, lines)
        finally:
            subprocess.run([*screen, "kill-server"], check=False, capture_output=True)
            Tmux(server_name(str(running.home)), running.home / "run" / "tmux.conf", os.environ).kill_server()


def _watch(screen: list[str], lines: int) -> list[float]:
    seen: dict[int, float] = {}
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and lines - 1 not in seen:
        shown = subprocess.run([*screen, "capture-pane", "-p"], check=True, capture_output=True, text=True).stdout
        now = time.monotonic_ns()
        for number, written in MARK.findall(shown):
            seen.setdefault(int(number), (now - int(written)) / 1e6)
    return list(seen.values())


if __name__ == "__main__":
    sys.exit(main())
