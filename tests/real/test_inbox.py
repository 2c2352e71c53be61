"""Real agents' dialogs are answered from Needs you: the one that was seen, or none."""

from tests.real.desk import Desk
from tests.real.model import Act
from tests.real.test_story import ESCALATED
from tests.support.eventually import eventually
from tests.tui.conftest import looking_at


async def test_its_dialogs_are_answered_from_the_screen_and_none_that_was_not_seen(real: Desk) -> None:
    extra = ESCALATED if real.provider == "codex" else {}
    task = real.task("Try it")
    commands = ("env > first", "env > second", "env > third")
    runs = [Act(run=command, extra=extra) for command in commands]
    real.play("work", task, Act(run=f"maestro task start {task}"), *runs, Act(say="That was it."))
    session = real.spawn(real.provider, task, more=("--keep-open",))

    def asks(words: str) -> bool:
        return words in str(real.get(f"/sessions/{session}/screen")["dialog"])

    async with looking_at(f"unix:{real.door.socket}", real.env) as seen:
        await seen.press("0")
        for command in commands[:2]:
            file = real.project / command.rpartition(" ")[2]
            dialogs = seen.app.desk.asking.dialogs
            eventually(lambda command=command: asks(command), timeout=60, what=f"{command} is asked for")  # type: ignore[misc]
            await seen.until(lambda: session in dialogs and command in dialogs[session].text)  # noqa: B023
            await seen.shows("Needs you (1)", "permission")
            real.note(f"{[choice.label for choice in dialogs[session].choices]}")
            if command == commands[0]:
                await seen.press("y")
                await seen.until(file.exists, "the command that was seen has run")

        def pressed_at_its_window() -> bool:
            if not asks(commands[2]):
                real.press(session, "Enter")
            return asks(commands[2])

        eventually(pressed_at_its_window, every=1, timeout=30, what="the third is asked for")
        seen.app.answer(session, "1")

        await seen.until(lambda: [t for t in seen.app._notifications if "not delivered: another" in t.message])
        assert asks(commands[2])
        assert not (real.project / "third").exists()
        await seen.until(lambda: commands[2] in seen.app.desk.asking.dialogs[session].text)
        await seen.press("y")
        await seen.until((real.project / "third").exists, "the one that is seen now has run")
    real.shows(session, "That was it.")
    assert len(real.model.heard[-1].results) == 4
