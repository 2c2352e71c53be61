"""Opens the screen, which is a program of its own."""

import os
import sys

from maestro_cli.call import Call
from maestro_cli.failures import Failure


def run(call: Call) -> int:
    """Become the screen: this process is replaced.

    Raises:
        Failure: there is no terminal, or the screen cannot be run.
    """
    if not (os.isatty(0) and os.isatty(1)):
        hint = "`maestro status` and `maestro watch` work without one."
        raise Failure("the screen needs a terminal", hint=hint)
    variables = dict(call.context.environ)
    if call.context.options.server:
        variables["MAESTRO_SERVER"] = call.context.server
    if call.context.options.project:
        variables["MAESTRO_PROJECT_ID"] = call.context.project
    if call.context.options.no_color:
        variables["NO_COLOR"] = "1"
    if call.context.options.no_start:
        variables["MAESTRO_NO_AUTOSTART"] = "1"
    argv = [sys.executable, "-m", "maestro_tui", *(("--theme", call.text("theme")) if call.text("theme") else ())]
    try:
        os.execve(argv[0], argv, variables)  # noqa: S606 - our own interpreter and module
    except OSError as error:
        raise Failure(f"cannot run the screen: {error.strerror}", code="BUG") from None
