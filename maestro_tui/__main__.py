"""``maestro tui``: reads its options and runs the screen."""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from maestro_tui.preferences import THEMES

FPS = "120"
"""Paintings a second at most: a key that comes just after one waits for the next, and with Textual's 60 it would wait
longer than its own painting takes. What changes less often than that is painted no more often for it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the screen until it is left; the exit code."""
    options = _options(sys.argv[1:] if argv is None else argv)
    environ = _environ(options)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write("maestro tui needs a terminal; `maestro status` tells the same in words.\n")
        return 2

    os.environ.setdefault("TEXTUAL_FPS", FPS)  # read when Textual is imported

    from maestro_tui.app import MaestroApp
    from maestro_tui.desk import Desk
    from maestro_tui.log import write_to
    from maestro_tui.preferences import preferences
    from maestrod.locations import locate

    places = locate(environ)
    own = f"unix:{places.socket}"
    server = environ.get("MAESTRO_SERVER") or own
    write_to(places.logs / "tui.log")
    wanted = preferences(places.config)
    if options.theme:
        wanted = msgspec.structs.replace(wanted, theme=options.theme)
    desk = Desk(
        server,
        environ=environ,
        clock=lambda: time.time_ns() // 1_000_000,
        zone=datetime.now().astimezone().tzinfo or UTC,
        autostart=server == own and environ.get("MAESTRO_NO_AUTOSTART") != "1",
        preferences=wanted,
        memory=places.data / "tui.json",
    )
    app = MaestroApp(desk)
    app.run()
    return app.return_code or 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="maestro tui", description="See every agent, answer, steer.")
    parser.add_argument("--server", default="", help="the daemon: unix:PATH or a URL (MAESTRO_SERVER)")
    parser.add_argument("--home", default="", help="where everything lies (MAESTRO_HOME)")
    parser.add_argument("--theme", default="", choices=THEMES, help="how it looks; by default as the last time")
    return parser.parse_args(argv)


def _environ(options: argparse.Namespace) -> Mapping[str, str]:
    given = {"MAESTRO_SERVER": options.server, "MAESTRO_HOME": options.home}
    return {**os.environ, **{name: value for name, value in given.items() if value}}


if __name__ == "__main__":
    sys.exit(main())
