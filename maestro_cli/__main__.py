"""The ``maestro`` command."""

import os
import sys


def main() -> int:
    """Carry out the command line; the answer is the exit code."""
    argv = sys.argv[1:]
    try:
        if argv[:1] == ["hook"] and "--help" not in argv and "-h" not in argv:
            from maestro_cli import hooks

            return hooks.main(argv[1:], os.environ)
        if argv[:1] == ["__complete"]:
            from maestro_cli import completing

            return completing.main(argv[1:], os.environ)
        from maestro_cli import fast

        code = fast.main(argv, os.environ)
        return 0 if argv[:1] == ["track-file"] else code  # it is called by hooks, too
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
