"""Writes the units in ``contrib/systemd`` and ``contrib/launchd``: ``python docs/service.py``.

``--check`` only compares. They are what ``maestro daemon install`` writes, for an installation by pipx or ``uv tool``.
"""

import sys
from pathlib import Path

from maestro_cli import units

CONTRIB = Path(__file__).resolve().parents[1] / "contrib"
PATH = {"PATH": "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}


def files() -> dict[Path, str]:
    """The files by their places."""
    systemd = units.systemd(
        "maestrod", program=["%h/.local/bin/maestrod"], socket="%t/maestro/maestrod.sock", environ={}
    )
    launchd = units.launchd(
        "maestrod",
        program=["/Users/you/.local/bin/maestrod"],
        log="/Users/you/Library/Application Support/maestro/logs/start.log",
        environ=PATH,
    )
    return {
        CONTRIB / folder / name: text
        for folder, texts in (("systemd", systemd), ("launchd", launchd))
        for name, text in texts.items()
    }


def main() -> int:
    """Write them, or name those that are not current."""
    changed = [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        sys.stderr.write("".join(f"{path} is not current\n" for path in changed))
        return int(bool(changed))
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
