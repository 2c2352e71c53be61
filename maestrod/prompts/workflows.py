"""The phases of each strategy."""

from maestrod.domain.model import Strategy

Phases = tuple[tuple[str, str], ...]


def phases(strategy: Strategy) -> Phases:
    """Name and sentence of each phase, in order."""
    match strategy:
        case Strategy.SIMPLE:
            return _SIMPLE
        case Strategy.QUEUE:
            return _QUEUE
        case Strategy.TREE:
            return _TREE
        case Strategy.DEFAULT:
            return _DEFAULT
        case Strategy.BATCHING:
            return _BATCHING
        case Strategy.DAG:
            return _DAG


_SIMPLE: Phases = (
    ("Take it", "`maestro task start TASK` before you change anything."),
    ("Work", "Do what the task says and no more; keep a checklist of subtasks when there are several steps."),
    ("Report", "`maestro report progress` when something changed that a reader would want to know."),
    ("Verify", "Check every acceptance criterion by running something, and run the task's checks."),
    ("Complete", "`maestro task complete TASK` with a note on what was done and how it was verified."),
)

_QUEUE: Phases = (
    ("Claim", "`maestro queue start` gives you the next item; when it says that nothing is left, you are finished."),
    ("Work", "Do that one task. Nothing carries over from the one before it."),
    ("Report", "`maestro report progress` when something changed that a reader would want to know."),
    ("Finish", "Verify it, then `maestro queue complete`; or `maestro queue fail` or `skip` with a reason."),
    ("Again", "Go back to the first step until the queue is empty."),
)

_TREE: Phases = (
    ("Look", "`maestro task tree TASK` for the task that you hold, the root; do not start it yet."),
    (
        "Claim",
        "`maestro task next --claim --parent TASK` gives you what can begin beneath it; exit 9: go to the last step.",
    ),
    ("Work", "Do that one, verify it, complete it or block it."),
    ("Again", '`maestro report progress "MESSAGE" --task TASK` says what changed; then go back to the second step.'),
    (
        "Complete",
        "When all beneath is completed, start the root, verify the whole, complete it; else block it and say why.",
    ),
)

_UNDERSTAND = ("Understand", "Read the task and what exists already; ask when the goal is unclear.")
_TOGETHER = ("Verify", "Check the whole, not only its parts.")
_DONE = ("Complete", "When every child is completed: end the workers that are left, then complete your own task.")

_DEFAULT: Phases = (
    _UNDERSTAND,
    ("Decompose", "Child tasks that one worker can finish and prove alone, no two in the same files."),
    ("Spawn", "Workers for what is ready, two or three at a time."),
    ("Watch", "Wait for them; unblock whoever is blocked, answer whoever asks."),
    ("Verify", 'A worker\'s "done" is a claim: read the change, run its criteria, reopen what falls short.'),
    _DONE,
)

_BATCHING: Phases = (
    _UNDERSTAND,
    ("Decompose", "Child tasks in batches; within a batch nothing waits for anything and no two share files."),
    ("Run a batch", "Spawn its workers, a queue for small tasks; wait for all, verify each, take the next batch."),
    _TOGETHER,
    _DONE,
)

_DAG: Phases = (
    _UNDERSTAND,
    ("Build the graph", "Child tasks, each with what it depends on; `maestro plan` shows the waves: mend them first."),
    ("Run a wave", "Spawn workers for all that is ready, wait, verify, look what has become ready, repeat."),
    _TOGETHER,
    _DONE,
)
