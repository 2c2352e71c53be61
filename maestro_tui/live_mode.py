"""Typing to an agent: all that is typed goes to it in order and once, or it is told how much did not."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from maestro_tui.keyboard import ESCAPE, LONGEST_PASTE, Batch, Ended, Keyboard, Undelivered

ESCAPE_S = 0.5
"""How soon a second Esc must follow the first."""


Send = Callable[[Batch], Awaitable[Undelivered | None]]
"""Gives an agent what was typed, once, whatever comes of it."""


class Typing:
    """One person types to one agent until they leave, or until it does not arrive any more."""

    def __init__(self, session_id: str, name: str, send: Send, *, leave: Collection[str] = (ESCAPE,)) -> None:
        self.session_id = session_id
        self.name = name
        self._send = send
        self._keyboard = Keyboard(leave)
        self._stirred = asyncio.Event()
        self._over = False
        self._reason = ""

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; whether it was the one that leaves."""
        left = self._keyboard.press(key, character)
        if left:
            self.end()
        self._check_room()
        return left

    def paste(self, text: str) -> bool:
        """Take a text that came at once; whether it was short enough."""
        if len(text) > LONGEST_PASTE:
            return False
        self._keyboard.paste(text)
        self._check_room()
        return True

    def _check_room(self) -> None:
        if self._keyboard.full:
            self.end("it takes no more keys")
        self._stirred.set()

    def end(self, reason: str = "") -> None:
        """Take no more. With a reason nothing more is sent, either."""
        self._keyboard.settle()
        self._over = True
        self._reason = self._reason or reason
        self._stirred.set()

    async def run(self) -> Ended:
        """Send what is typed, to the end."""
        while not self._reason:
            batch = self._keyboard.take()
            if batch is not None:
                failed = await self._send(batch)
                if failed is not None:
                    return self._failed(batch, failed)
            elif self._over:
                return Ended()
            else:
                await self._stir()
        return Ended(self._reason, self._keyboard.drop())

    async def _stir(self) -> None:
        try:
            async with asyncio.timeout(ESCAPE_S if self._keyboard.holding else None):
                await self._stirred.wait()
        except TimeoutError:
            self._keyboard.settle()
        self._stirred.clear()

    def _failed(self, batch: Batch, failed: Undelivered) -> Ended:
        self.end(failed.reason)
        strokes = len(batch) if isinstance(batch, tuple) else 1
        waited = self._keyboard.drop()
        if failed.perhaps:
            return Ended(self._reason, waited, strokes)
        return Ended(self._reason, waited + strokes)
