"""What a person trusts of what repositories carry: by the top of each, its files with their digests.

A file that changed, or is new, is not trusted. (What agents themselves keep of trust is ``maestro_cli.trust``.)
"""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from maestro_cli import trust
from maestro_cli.carried import Carried, top_of
from maestro_cli.program import write
from maestrod.locations import Locations

FILE = "trusted.json"

Digests = dict[str, str]


class Trusted:
    """That of one home."""

    def __init__(self, locations: Locations) -> None:
        self._place = locations.data / FILE
        self._locks = locations.run

    def lacking(self, directory: Path, carried: Iterable[Carried]) -> tuple[Carried, ...]:
        """What of it is not trusted for the repository of a directory."""
        known = self.all().get(str(top_of(directory)), {})
        return tuple(each for each in carried if not each.digest or known.get(each.name) != each.digest)

    def add(self, directory: Path, carried: Iterable[Carried]) -> None:
        """Trust these as they are, beside what was trusted there before.

        Raises:
            OSError: the disk refuses.
        """
        top = str(top_of(directory))
        with trust.locked(self._locks):
            known = self.all()
            digests = {each.name: each.digest for each in carried if each.digest}
            self._keep({**known, top: known.get(top, {}) | digests})

    def remove(self, directory: Path) -> bool:
        """Trust nothing of it any more; whether anything was.

        Raises:
            OSError: the disk refuses.
        """
        with trust.locked(self._locks):
            known = self.all()
            found = known.pop(str(top_of(directory)), None) or known.pop(str(directory), None)
            if found is not None:
                self._keep(known)
        return found is not None

    def all(self) -> dict[str, Digests]:
        """By the top of each repository; a file of ours that is damaged trusts nothing."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self._place.read_bytes(), type=dict[str, Digests])
        return {}

    def _keep(self, known: Mapping[str, Digests]) -> None:
        self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(self._place, msgspec.json.format(msgspec.json.encode(known), indent=1).decode())
