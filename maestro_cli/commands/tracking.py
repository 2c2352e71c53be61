"""What the original's hooks call for every file that an agent writes."""

from contextlib import suppress

from maestro_cli import hooks
from maestro_cli.call import Call

EVENT = "FileModified"


def track(call: Call) -> int:
    """Tell the daemon, as a hook does: at once, or by the spool; silent, and never a failure."""
    environ = call.context.environ
    if call.context.session and call.text("path"):
        with suppress(Exception):  # the rim: an agent must not stumble over us
            hooks.bring(environ.get("MAESTRO_PROVIDER", ""), EVENT, {"file_path": call.text("path")}, environ=environ)
    return 0
