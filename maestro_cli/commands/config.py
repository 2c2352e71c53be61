"""The daemon's settings: what they are and where from, and the file that they are read from."""

import difflib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from maestro_cli import autostart, config_file, texts, trust
from maestro_cli.asking import can_ask, confirmed
from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage, note
from maestro_cli.program import write
from maestrod import settings
from maestrod.locations import Locations, locate
from maestrod.settings import BadSettings, Described, Origin, Value

RESTART = "the daemon runs on with what it read at its start: `maestro daemon restart` takes this up"
EDITORS = ("vi", "nano")


def show(call: Call) -> int:
    """Every setting with its value, where that is from, and its sentence."""
    file = _file(call)
    text = _text(file)
    now = _settings(text, file)
    document = settings.document_of(text, file)
    rows, data = [], []
    for each in settings.described():
        value, source = getattr(now, each.name), settings.origin(each.name, document)
        if call.flag("changed") and source is Origin.DEFAULT:
            continue
        known = {"name": each.name, "value": value, "origin": source.value, "default": each.default}
        data.append({**known, "takes": each.takes, "variable": each.variable, "sentence": each.sentence})
        rows.append([each.name, _shown(value), _from(each, source), each.sentence])
    head = ["setting", "value", "from", "what it is"]
    call.output.result(data, texts.table(head, rows, call.output.width, colour=call.output.colour))
    for name in settings.unknown(document):
        note(f"{file}:{settings.line_of(name, text) or '?'}: there is no setting {name}{_meant(name)}")
    return 0


def get(call: Call) -> int:
    """One value, alone."""
    file = _file(call)
    text = _text(file)
    each = _known(call.text("name"), "get")
    value, source = getattr(_settings(text, file), each.name), settings.origin(each.name, _document(text, file))
    data = {"name": each.name, "value": value, "origin": source.value, "default": each.default}
    call.output.result(data, [texts.line(value) if isinstance(value, str) else config_file.literal(value)])
    return 0


def set_(call: Call) -> int:
    """Write one value into the file, or take it out; nothing is written that the daemon would refuse."""
    _people(call)
    each = _known(call.text("name"), "set")
    back = call.flag("default")
    if back == ("value" in call.values):
        raise Usage(f"to what is {each.name} to be set?", hint=f"A value ({each.takes}), or --default.")
    places = locate(call.context.environ)
    file = _file(call)
    with trust.locked(places.run):
        before = _text(file)
        document = dict(_document(before, file))
        if back:
            after = config_file.without(before, each.name)
            document.pop(each.name, None)
        else:
            document[each.name] = _fitting(each, call.text("value"))
            after = config_file.with_value(before, each.name, config_file.literal(document[each.name]))
        if after != before:
            _write(places, file, after, document)
    wins = settings.origin(each.name, document) is Origin.ENVIRONMENT
    restart = after != before and autostart.serves(call.context.environ)
    value = document.get(each.name, each.default)
    data = {"name": each.name, "value": value, "path": str(file), "changed": after != before, "restart": restart}
    call.output.result(data, [f"{each.name} = {config_file.literal(value)}" + "  (its default)" * back])
    if wins:
        note(f"{each.variable} is set here and wins over the file")
    if restart:
        note(RESTART)
    return 0


def path(call: Call) -> int:
    """Where the file lies, or would lie."""
    file = _file(call)
    call.output.result({"path": str(file), "exists": file.exists()}, [str(file)])
    return 0


def edit(call: Call) -> int:
    """Open a copy in the person's editor; it takes the file's place when the daemon would take it."""
    _people(call)
    places, file = locate(call.context.environ), _file(call)
    before = _text(file)
    places.config.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = places.config / f".edit-{os.getpid()}.toml"
    write(aside, before or config_file.blank(settings.described()))
    try:
        after = _edited(call, aside, file)
        changed = after not in (before, config_file.blank(settings.described()))
        if changed:
            with trust.locked(places.run):
                if _text(file) != before:
                    raise Failure(f"{file} was changed by somebody else meanwhile", code="CONFLICT", hint="Again.")
                write(file.resolve(), after)
    finally:
        aside.unlink(missing_ok=True)
    restart = changed and autostart.serves(call.context.environ)
    data = {"path": str(file), "changed": changed, "restart": restart}
    call.output.result(data, [f"{'written' if changed else 'not changed'}: {file}"])
    if restart:
        note(RESTART)
    return 0


# -- parts --------------------------------------------------------------------------------------------


def _file(call: Call) -> Path:
    return locate(call.context.environ).config / settings.FILE


def _people(call: Call) -> None:
    if call.context.session:
        raise Failure("settings are for people", code="FORBIDDEN", hint="Ask the person who runs Maestro.")


def _text(file: Path) -> str:
    try:
        return settings.read(file)
    except BadSettings as error:
        raise _broken(error) from error


def _document(text: str, file: Path) -> settings.Document:
    try:
        return settings.document_of(text, file)
    except BadSettings as error:
        raise _broken(error) from error


def _settings(text: str, file: Path) -> settings.Settings:
    try:
        return settings.settings_of(text, file)
    except BadSettings as error:
        raise _broken(error) from error


def _broken(error: BadSettings) -> Failure:
    return Failure(str(error), code="VALIDATION_ERROR", hint="`maestro config edit` opens the file.")


def _known(said: str, verb: str) -> Described:
    """The setting of a name, also of its variable's.

    Raises:
        Usage: there is none; the hint is the nearest.
    """
    known = {each.name: each for each in settings.described()}
    name = said.lower().replace("-", "_")
    found = known.get(name) or known.get(name.removeprefix(settings.PREFIX.lower()))
    if found is not None:
        return found
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = (
        f"Did you mean: maestro config {verb} {near[0]}{' VALUE' * (verb == 'set')}"
        if near
        else "`maestro config show` lists them."
    )
    raise Usage(f"there is no setting '{texts.line(said)}'", hint=hint)


def _meant(name: str) -> str:
    near = difflib.get_close_matches(name, settings.Settings.__struct_fields__, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _fitting(each: Described, said: str) -> Value:
    """The value that the words mean.

    Raises:
        Failure: it does not fit.
    """
    try:
        alone = settings.settings_of(f"{each.name} = {config_file.literal(said)}", Path(), environment=False)
    except BadSettings as error:
        why = "; ".join(wrong.why for wrong in error.wrong) or str(error)
        message = f"{each.name} cannot be '{texts.line(said)}': {why}"
        raise Failure(message, code="VALIDATION_ERROR", hint=f"It takes: {each.takes}.") from error
    value: Value = getattr(alone, each.name)
    return value


def _write(places: Locations, file: Path, text: str, wanted: settings.Document) -> None:
    """Raises: Failure: the text does not say what it is to say, or the daemon would refuse it."""
    try:
        sound = settings.document_of(text, file) == wanted
        settings.settings_of(text, file, environment=False)
    except BadSettings as error:
        if not error.wrong:
            sound = False
        else:
            raise _broken(error) from error
    if not sound:
        hint = "`maestro config edit` opens the file."
        raise Failure(f"{file} is written in a way that this cannot change", code="VALIDATION_ERROR", hint=hint)
    places.config.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(file.resolve(), text)


def _edited(call: Call, aside: Path, file: Path) -> str:
    """What the editor left, once the daemon would take it.

    Raises:
        Failure: it would not, and the person goes back to what was.
    """
    while True:
        _run_editor(call, aside)
        try:
            text = settings.read(aside)
            settings.settings_of(text, file, environment=False)
        except BadSettings as error:
            why = str(error).replace(str(aside), str(file))
            if can_ask(call.context.environ):
                note(f"the daemon would refuse this: {why}")
                if confirmed("Edit it again? A no leaves the file as it was."):
                    continue
            message = f"nothing was changed, the daemon would refuse it: {why}"
            raise Failure(
                message, code="VALIDATION_ERROR", hint="`maestro config show` tells what each takes."
            ) from None
        return text


def _run_editor(call: Call, aside: Path) -> None:
    environ = call.context.environ
    search = environ.get("PATH") or os.defpath
    named = environ.get("VISUAL") or environ.get("EDITOR") or ""
    words = shlex.split(named) or [next((name for name in EDITORS if shutil.which(name, path=search)), "")]
    program = shutil.which(words[0], path=search)
    if program is None:
        raise Failure(f"there is no editor {words[0]}".strip(), hint="Set EDITOR, or write the file yourself.")
    ended = subprocess.run([program, *words[1:], str(aside)], env=dict(environ), check=False)
    if ended.returncode:
        raise Failure(f"nothing was changed: {words[0]} ended with {ended.returncode}", code="IO_ERROR")


def _from(each: Described, source: Origin) -> str:
    return each.variable if source is Origin.ENVIRONMENT else source.value


def _shown(value: Value) -> str:
    return texts.line(value) or '""' if isinstance(value, str) else config_file.literal(value)
