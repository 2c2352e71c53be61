"""The commands that an agent is told about, in the words of the command line."""

import msgspec

from maestrod.domain.model import Role, Strategy
from maestrod.protocol.manifest import Manifest


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; words in capitals are for the agent to fill in."""

    words: str
    use: str
    needs: str | None = None
    """The right without which it is not listed; ``None`` is for everybody."""
    role: Role | None = None
    strategy: Strategy | None = None


WORK, PLAN = Role.WORKER, Role.ORCHESTRATOR
SIMPLE, QUEUE, TREE = Strategy.SIMPLE, Strategy.QUEUE, Strategy.TREE


def _c(words: str, use: str, needs: str | None = None, role: Role | None = None) -> Command:
    return Command(words=words, use=use, needs=needs, role=role)


def _s(words: str, use: str, needs: str, strategy: Strategy) -> Command:
    return Command(words=words, use=use, needs=needs, strategy=strategy)


_PART = 'maestro task create "TITLE" --parent TASK --description "TEXT"'

COMMANDS: tuple[Command, ...] = (
    _c("maestro prime", "all of this once more, as it is by then"),
    _c("maestro whoami", "who you are and what you hold"),
    _c("maestro task get TASK", "one task in full"),
    _s("maestro task next --claim", "take what is next, if you were asked to; exit 9: nothing", "ClaimNext", SIMPLE),
    _s("maestro task tree TASK", "what lies beneath it", "StartTask", TREE),
    _s(
        "maestro task next --claim --parent TASK",
        "take the next one beneath it; exit 9: none is left",
        "ClaimNext",
        TREE,
    ),
    _c("maestro task list --ready", "the project's tasks that can begin", role=PLAN),
    _c("maestro plan", "the waves: what can begin now, and what then", role=PLAN),
    _c("maestro status", "counts, who needs a person, what is stuck", role=PLAN),
    _c("maestro task start TASK", "take it; exit 6 says who holds it or what it waits for", "StartTask"),
    _s("maestro queue start", "take the next item and show its task", "StartItem", QUEUE),
    _c('maestro report progress "MESSAGE"', "what changed, in one sentence", "Report"),
    _c('maestro subtask create TASK "TITLE"', "a step on the task's checklist", "CreateSubtask"),
    _c("maestro subtask complete SUBTASK", "tick it off", "EditSubtask"),
    _c("maestro mail read", "what others wrote to you; it counts as read then", "ReadMail"),
    _c('maestro mail reply MAIL "TEXT"', "answer it", "SendMail"),
    _c('maestro mail send SESSION "TEXT" --type query', "ask another session; without the type, tell it", "SendMail"),
    _c("maestro mail wait --timeout 90s", "until there is mail; exit 8: none yet", "ReadMail"),
    _c('maestro mail broadcast "TEXT"', "tell every session of the project", "SendMail", PLAN),
    _c(_PART, "work that you found; it is not yours to do now", "CreateTask", WORK),
    _c(_PART, "a part that one worker can do", "CreateTask", PLAN),
    _c("maestro task edit TASK --depends-on OTHER", "TASK waits for OTHER", "EditTask", PLAN),
    _c("maestro session spawn --task TASK", "start a worker on it; prints the session", "SpawnSession", PLAN),
    _c("maestro session spawn --task A --task B --strategy queue", "one worker, in this order", "SpawnSession", PLAN),
    _c("maestro session list --active", "who is at work", role=PLAN),
    _c("maestro session wait SESSION --timeout 90s", "until it has ended; exit 8: not yet, ask again", role=PLAN),
    _c("maestro session logs SESSION", "what it reported and shows", role=PLAN),
    _c('maestro session send SESSION "TEXT"', "one clear sentence to a worker of yours", "StopSession", PLAN),
    _c('maestro session needs-input "QUESTION"', "ask a person, then wait for the answer here", "NeedInput"),
    _c("maestro task check run TASK", "run its checks, if it has any", "RunChecks"),
    _c('maestro task complete TASK --note "WHAT WAS DONE"', "finished and verified", "CompleteTask"),
    _c('maestro task review TASK --note "WHAT TO LOOK AT"', "somebody else must judge it", "ReviewTask", WORK),
    _c("maestro task reopen TASK", "it was completed and falls short", "ReopenTask", PLAN),
    _c('maestro task block TASK --reason "WHAT IS MISSING"', "you cannot go on without it", "BlockTask"),
    _c("maestro task unblock TASK", "what it waited for is there", "UnblockTask", PLAN),
    _s("maestro queue complete", "the item is finished and verified; shows what is next", "CompleteItem", QUEUE),
    _s('maestro queue fail --reason "WHY"', "it was tried and cannot be done", "FailItem", QUEUE),
    _s('maestro queue skip --reason "WHY"', "it should not be done now", "SkipItem", QUEUE),
    _c("maestro session stop SESSION", "end a worker of yours", "StopSession", PLAN),
)
"""In the order in which they are needed."""

_BY_QUEUE = frozenset({"StartTask", "CompleteTask", "ReviewTask", "BlockTask"})
"""In a queue, items are taken, finished and put aside, not tasks."""


def commands_of(manifest: Manifest) -> tuple[Command, ...]:
    """What this session may run, in the order in which it is needed."""
    return tuple(command for command in COMMANDS if _fits(command, manifest))


def _fits(command: Command, manifest: Manifest) -> bool:
    if command.needs is not None and command.needs not in manifest.allowed_commands:
        return False
    if manifest.strategy is QUEUE and command.needs in _BY_QUEUE:
        return False
    return command.role in {None, manifest.role} and command.strategy in {None, manifest.strategy}
