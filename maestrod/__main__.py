"""``maestrod``: the daemon in the foreground, and what is done to its home while it does not run."""

import argparse
import asyncio
import faulthandler
import logging
import os
import sys
from collections.abc import Coroutine, Sequence

import uvloop

from maestrod import __version__, app, logs, offline, restoring
from maestrod.api.addresses import listeners_of
from maestrod.domain.changes import Unreadable
from maestrod.locations import Locations, locate
from maestrod.settings import load_settings
from maestrod.store.backup import BadBackup
from maestrod.store.log import Damaged, HomeLocked, StoreError
from maestrod.systemd import Systemd

log = logging.getLogger("maestrod")

WRONG_CALL = 2
CANNOT_RUN = 5
HOME_IN_USE = 6


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon; the exit code says how it ended: 0 stopped, 2 wrong call, 5 cannot run, 6 the home is taken.

    ``check`` and ``repair`` end with 0, with 1 for damage, or as a start does; so do ``verify`` and ``restore``.
    """
    systemd = Systemd.taken(os.environ)
    options = _parser().parse_args(argv)
    if options.home:
        os.environ["MAESTRO_HOME"] = options.home
    places = locate(os.environ)
    os.umask(0o077)
    if options.deed:
        return _offline(options, places)
    try:
        settings = load_settings(places.config)
        listeners = listeners_of(options.listen, settings)
    except (ValueError, OSError) as error:
        systemd.tell(status=error)
        return _failed(error, WRONG_CALL)
    try:
        logs.begin(places.logs, level=settings.log, style=settings.log_format)
        if systemd.watchdog_s is not None:
            faulthandler.enable()  # its SIGABRT says where everything stood
        _run(app.serve(settings, places, listeners, systemd))
    except (StoreError, Unreadable, OSError) as error:
        log.critical("cannot run: %s", error)
        systemd.tell(status=error)
        return _failed(error, _code(error))
    return 0


def _offline(options: argparse.Namespace, places: Locations) -> int:
    logging.getLogger().addHandler(logging.NullHandler())  # what matters is in the report
    try:
        if options.deed == "check":
            return offline.check(places, as_json=options.json)
        if options.deed == "verify":
            return restoring.verify(places, options.backup, as_json=options.json)
        if options.deed == "restore":
            return restoring.restore(places, options.backup, as_json=options.json)
        return offline.mend(places, as_json=options.json, dry_run=options.dry_run)
    except BadBackup as bad:
        return _failed(bad, offline.DAMAGED)
    except (StoreError, OSError) as error:
        return _failed(error, _code(error))


def _code(error: Exception) -> int:
    return HOME_IN_USE if isinstance(error, HomeLocked) else CANNOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="maestrod", description="The daemon of Agent Maestro, in the foreground.")
    parser.add_argument("--home", help="where everything lies (default: MAESTRO_HOME, or the platform's places)")
    parser.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="unix:PATH|HOST:PORT",
        help="where to listen; TCP comes beside the home's Unix socket (may be given several times)",
    )
    parser.add_argument("--version", action="version", version=f"maestrod {__version__}")
    words = "check | repair | verify | restore"
    deeds = parser.add_subparsers(dest="deed", metavar=words, help="instead of running the daemon")
    check = deeds.add_parser("check", help="look at everything on the disk; 1 when something is damaged")
    repair = deeds.add_parser("repair", help="set aside what is damaged, so that the daemon starts; deletes nothing")
    repair.add_argument("--dry-run", action="store_true", help="only say what would be done")
    verify = deeds.add_parser("verify", help="put a backup together aside, and compare it with what it says of itself")
    restore = deeds.add_parser("restore", help="put a backup in the place of the data, which is moved aside")
    for deed in (verify, restore):
        deed.add_argument("backup", nargs="?", default=restoring.LATEST, help="a name, an ending of one, or a path")
    for deed in (check, repair, verify, restore):
        deed.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


def _failed(error: Exception, code: int) -> int:
    hint = "; `maestro daemon repair --dry-run` says what can be kept" if isinstance(error, Damaged) else ""
    sys.stderr.write(f"maestrod: {error}{hint}\n")
    return code


def _run(main_: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main_)


if __name__ == "__main__":
    sys.exit(main())
