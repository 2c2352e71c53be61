"""Looks at everything that Maestro needs, says what is wrong and what to do, and mends what is safe to mend."""

from maestro_cli import texts
from maestro_cli.call import Call
from maestro_cli.doctor import configured, disk, programs, service
from maestro_cli.doctor.findings import Check, Finding, Level, Patient, examine, fault
from maestro_cli.doctor.selftest import selftest
from maestro_cli.environment import is_own
from maestro_cli.failures import Failure, note
from maestrod.locations import locate

AT_FAULT = 1
COLOURS = {Level.OK: "32", Level.WARNING: "33", Level.FAULT: "31"}

CHECKS = (
    Check("python", programs.python),
    Check("tmux", programs.tmux),
    Check("git", programs.git),
    Check("agents", programs.agents),
    Check("path", programs.path),
    Check("shell", programs.shell),
    Check("home", disk.folders, disk.mend_folders),
    Check("writing", disk.writable),
    Check("disk", disk.space),
    Check("settings", configured.config),
    Check("listen", configured.listening),
    Check("screens", configured.screen_rules),
    Check("socket", service.socket_, service.mend_socket),
    Check("service", service.unit),
    Check("daemon", service.daemon),
    Check("server", service.server),
    Check("writes", service.readiness),
    Check("journal", service.journal),
)


def run(call: Call) -> int:
    """Every check; 1 when something is at fault. With ``--selftest`` the whole of it is tried once instead."""
    if call.flag("selftest"):
        return _tried(call)
    environ = call.context.environ
    places = locate(environ)
    server = "" if is_own(environ, call.context.server) else call.context.server
    patient = examine(environ, places, server)
    done: list[str] = []
    if call.flag("fix"):
        if call.context.session:
            raise Failure("mending is for people", code="FORBIDDEN", hint="`maestro doctor` tells them what to do.")
        done = [line for check in CHECKS if check.mend for line in check.mend(patient)]
        patient = examine(environ, places, server)
    findings = [finding for check in CHECKS for finding in _looked(check, patient)]
    faults, warnings = (sum(f.level is level for f in findings) for level in (Level.FAULT, Level.WARNING))
    data = {"faults": faults, "warnings": warnings, "mended": done, "findings": [_data(each) for each in findings]}
    call.output.result(data, [*(f"mended   {texts.line(line)}" for line in done), *_lines(call, findings)])
    if call.flag("fix") and not done and not call.output.json:
        note("nothing was found that is safe to mend without you")
    return AT_FAULT if faults else 0


def _looked(check: Check, patient: Patient) -> list[Finding]:
    """What a check finds; one that cannot look is a finding itself."""
    try:
        return list(check.look(patient))
    except OSError as error:
        what = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
        return [fault(check.name, f"cannot be looked at: {what}", "Look at that place yourself.")]


def _data(finding: Finding) -> dict[str, object]:
    return {"check": finding.check, "level": finding.level.value, "says": finding.says, "todo": finding.todo}


def _lines(call: Call, findings: list[Finding]) -> list[str]:
    width = max(len(each.check) for each in findings)
    lines = []
    for each in findings:
        level = f"{each.level.value:<7}"
        shown = f"\x1b[{COLOURS[each.level]}m{level}\x1b[0m" if call.output.colour else level
        lines.append(f"{shown}  {each.check:<{width}}  {texts.line(each.says)}")
        if each.todo:
            lines.append(f"{'':<7}  {'':<{width}}  → {texts.line(each.todo)}")
    return [*lines, "", _summary(findings)]


def _summary(findings: list[Finding]) -> str:
    counts = [
        f"{count} {level.value}{'s' * (count > 1)}"
        for level in (Level.FAULT, Level.WARNING)
        if (count := sum(each.level is level for each in findings))
    ]
    return " and ".join(counts) if counts else "all is well"


def _tried(call: Call) -> int:
    quiet = call.output.quiet or call.output.json
    steps = selftest(call.context.environ, (lambda _: None) if quiet else note)
    seconds = round(sum(each.seconds for each in steps), 1)
    data = {"seconds": seconds, "steps": [{"step": each.step, "seconds": each.seconds} for each in steps]}
    call.output.result(data, [f"everything works: {len(steps)} steps in {seconds} s"])
    return 0
