"""What a person does in an agent's window from elsewhere: answering its dialog, pressing keys."""

from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage
from maestrod.client.blocking import quoted

LOOK = "`maestro session screen` shows what stands in the way."
ENDED = "`maestro session logs` shows what it did, `maestro session resume` brings it back."


def answer(call: Call) -> int:
    """Give a choice of the open dialog; by default of the one that is open at this moment."""
    path = f"/sessions/{quoted(call.text('session'))}"
    choice, expect = call.text("choice"), call.text("expect")
    dialog = {} if expect else _dialog(call, path)
    body: dict[str, object] = {"answer": choice, "expect": expect or str(dialog.get("digest"))}
    told = _typed(call, path, body)
    asked = f' to "{dialog["text"]}"' if dialog.get("text") else ""
    call.output.result({**told, "dialog": dialog or None}, [f'answered "{choice}"{asked}'])
    return 0


def keys(call: Call) -> int:
    """Press keys; what they do is for the caller to see."""
    pressed = call.text("keys").split()
    if not pressed:
        raise Usage("which keys?", hint="As in `maestro session keys SESSION Escape`.")
    told = _typed(call, f"/sessions/{quoted(call.text('session'))}", {"keys": pressed})
    call.output.result(told, [f"pressed {' '.join(pressed)}"])
    return 0


def _dialog(call: Call, path: str) -> dict[str, object]:
    screen = call.client.call("GET", f"{path}/screen", headers=call.context.where()).body
    dialog = screen.get("dialog") if isinstance(screen, dict) else None
    if isinstance(screen, dict) and screen.get("ended"):
        raise Failure("its agent has ended, and asks nothing any more", code="CONFLICT", hint=ENDED)
    if not isinstance(dialog, dict):
        raise Failure("no question is open that could be read", code="NOT_DELIVERED", hint=LOOK)
    return dialog


def _typed(call: Call, path: str, body: dict[str, object]) -> dict[str, object]:
    told = call.client.call("POST", f"{path}/input", body=body, headers=call.context.where()).body
    if not isinstance(told, dict) or told.get("result") == "not_delivered":
        reason = told.get("reason") if isinstance(told, dict) else ""
        raise Failure(f"not delivered: {reason or 'the agent did not take it'}", code="NOT_DELIVERED", hint=LOOK)
    return told
