"""Export and import: everything as readable files, and back."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from maestro_cli.call import Call
from maestro_cli.failures import Failure, note
from maestro_cli.texts import counted, line
from maestrod.domain import exported

Document = dict[str, object]

PATIENCE_S = 600.0
FILE_BYTES = 64 << 20
ALL_BYTES = 192 << 20
MOST_FILES = 500_000
SHOWN = 50
"""Findings that are listed for people; ``--json`` lists all."""


def export(call: Call) -> int:
    """Write everything that is into a folder, or as one document to stdout."""
    where = call.text("dir") or "maestro-export"
    folder = None if where == "-" else Path(where)
    if folder is not None:
        _may_write(folder)
    state = call.client.call("GET", "/state", timeout=PATIENCE_S).body
    found = state if isinstance(state, dict) else {}
    head = exported.Head(seq=found.get("seq", 0), hash=found.get("hash", ""))
    files = dict(exported.arranged(head, found.get("entities", {})))
    if folder is None:
        call.output.result(files, [json.dumps(files, indent=2, ensure_ascii=False)])
        return 0
    _write(folder, files)
    told = {"folder": str(folder.absolute()), "files": len(files), "seq": head.seq, "hash": head.hash}
    call.output.result(told, [f"exported {len(files)} files to {line(folder)}, as of commit {head.seq}"])
    return 0


def import_(call: Call) -> int:
    """Send what is in a folder (or in one document) to the daemon, and tell what came of it."""
    where = Path(call.text("dir"))
    files = _one_document(where) if where.is_file() else dict(_folder(where))
    body: Document = {"files": files, "dryRun": call.flag("dry_run")}
    if call.text("source"):
        body["from"] = call.text("source")
    answer = call.client.call("POST", "/import", body=body, timeout=PATIENCE_S).body
    call.output.result(answer, _told(answer if isinstance(answer, dict) else {}))
    return 0


# -- writing ------------------------------------------------------------------------------------------


def _may_write(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise Failure(f"{folder} is no folder", code="VALIDATION_ERROR")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / exported.HEAD).is_file():
        hint = "Name a new folder, or one with an earlier export, which is replaced."
        raise Failure(f"{folder} holds something else", code="CONFLICT", hint=hint)


def _write(folder: Path, files: Mapping[str, object]) -> None:
    for path, document in files.items():
        file = folder / path
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}.part")
        aside.unlink(missing_ok=True)
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as out:
            json.dump(document, out, indent=2, ensure_ascii=False)
            out.write("\n")
        aside.replace(file)
    for kind in ("projects", "sessions"):
        for old in (folder / kind).glob("*.json"):
            if f"{kind}/{old.name}" not in files:
                old.unlink()


# -- reading ------------------------------------------------------------------------------------------


def _one_document(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise Failure(f"{file} cannot be read: {error}", code="VALIDATION_ERROR") from None
    if not isinstance(found, dict):
        raise Failure(f"{file} is no export", code="VALIDATION_ERROR", hint="`maestro export -` makes one.")
    return {path: json.dumps(document) for path, document in found.items()}


def _folder(where: Path) -> Iterator[tuple[str, str]]:
    """The texts of the JSON files below a folder; links are not followed."""
    if not where.is_dir():
        raise Failure(f"there is no folder {where}", code="NOT_FOUND")
    if not (where / exported.HEAD).exists() and (where / "data" / "projects").is_dir():
        where = where / "data"
    size = 0
    for number, file in enumerate(_json_files(where)):
        size += file.lstat().st_size
        if size > ALL_BYTES or number >= MOST_FILES:
            raise Failure(f"{where} holds more than can be imported at once", code="PAYLOAD_TOO_LARGE")
        yield file.relative_to(where).as_posix(), file.read_text("utf-8", "replace")


def _json_files(where: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(where):
        names.sort()
        for name in sorted(files):
            file = Path(folder, name)
            if not name.endswith(".json") or name.startswith("."):
                continue
            about = file.lstat()
            if not stat.S_ISREG(about.st_mode) or about.st_size > FILE_BYTES:
                note(f"{line(file)} is passed over: it is no plain file, or too large")
                continue
            yield file


def _told(answer: Document) -> Iterator[str]:
    created = answer.get("created")
    counts = ", ".join(counted(created))
    word = "would import" if answer.get("dryRun") else "imported"
    known = answer.get("unchanged")
    yield f"{word} {counts or 'nothing new'}" + (f"; {known} are here already" if known else "")
    report = answer.get("report")
    rows = [row for row in report if isinstance(row, dict)] if isinstance(report, list) else []
    if rows:
        yield f"{len(rows)} findings:"
    for row in rows[:SHOWN]:
        yield f"  {line(row.get('file'))}: {line(row.get('what'))}: {line(row.get('done'))}"
    if len(rows) > SHOWN:
        yield f"  … {len(rows) - SHOWN} more: `--json` shows all"
