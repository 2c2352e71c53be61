"""The table of faces."""

from __future__ import annotations

from maestro_cli.fake.arguments import FaceName
from maestro_cli.fake.claude import Claude
from maestro_cli.fake.codex import Codex
from maestro_cli.fake.face import Face
from maestro_cli.fake.gemini import Gemini
from maestro_cli.fake.plain import Plain


def face(name: FaceName) -> Face:
    """Return the face of a provider."""
    match name:
        case "claude":
            return Claude()
        case "codex":
            return Codex()
        case "gemini":
            return Gemini()
        case "plain":
            return Plain()
