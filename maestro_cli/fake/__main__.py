"""``python -m maestro_cli.fake``."""

from __future__ import annotations

import sys

from maestro_cli.fake import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
