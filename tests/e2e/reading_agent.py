"""A scripted agent that reads what agents are told, and finds the call whose words fit a purpose.

It runs in the pane of a fake one, once a turn; it has the standard library alone. It is given two calls, by which it
is told all others: of commands it holds none itself. What it remembers from turn to turn lies in a file, as a
conversation would.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOLE = re.compile(r"[A-Z]+( [A-Z]+)*")
SKILL = re.compile(r"^\* `([\w-]+)`: ", re.MULTILINE)
DOCUMENT = re.compile(r"`(-\S+)` gives one JSON document")
ABOVE = re.compile(r"^Session (\S+) started you", re.MULTILINE)
AGAIN = re.compile(r"exit (\d+): (?:not yet|none)")
FILE = re.compile(r"\S+\.txt")


class Told(NamedTuple):
    """A call with its holes, and what was said of it."""

    words: tuple[str, ...]
    use: str


def told(text: str) -> Iterator[Told]:
    """The calls in a text: the lines of its blocks with their remarks, and those in its sentences."""
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            call, _, remark = line.partition(" # ")
            yield Told(tuple(shlex.split(call)), remark)
    for line in re.sub(r"\n +", " ", BLOCK.sub("", text)).splitlines():
        parts = line.split("`")
        for at in range(1, len(parts) - 1, 2):
            quoted = parts[at].count('"') % 2 == 0 and "'" not in parts[at]
            words = shlex.split(parts[at]) if quoted else []
            if len(words) > 1 and shutil.which(words[0]):
                yield Told(tuple(words), f"{parts[at - 1]} {parts[at + 1]}")


class Reader:
    """Who reads, chooses, calls, and remembers."""

    def __init__(self, notes: Path, brief: str, listing: str) -> None:
        self._place = notes / os.environ["MAESTRO_SESSION_ID"]
        self.notes: dict[str, Any] = json.loads(self._place.read_text()) if self._place.exists() else {}
        self.brief = run(shlex.split(brief))[1]
        self._own = shlex.split(brief)[0]
        rows = json.loads(run(shlex.split(listing))[1])["data"]["commands"]
        self._verbs: dict[tuple[str, ...], Any] = {tuple(row["command"].split()): row for row in rows}
        self._document = first(DOCUMENT, self.brief)
        self._told = list(told(self.brief))
        for name in SKILL.findall(self.brief):
            self._told += told(self.do("read skill instructions", name)["instructions"])

    def remember(self, **what: Any) -> None:
        self.notes |= what
        self._place.write_text(json.dumps(self.notes))

    def do(self, purpose: str, *texts: str, **ids: str) -> Any:
        """The answer to the call for this purpose; where it is told by which exit code to ask again, it is asked."""
        call = self._chosen(purpose, texts, ids)
        words = [*self._filled(call, texts, ids), *([self._document] if self._verb(call) else [])]
        again = AGAIN.search(call.use)
        code, out = run(words)
        while again is not None and code == int(again[1]):
            code, out = run(words)
        assert code == 0, f"{purpose}: {shlex.join(words)} ended with {code}: {out}"
        return json.loads(out)["data"] if self._verb(call) else out

    def _chosen(self, purpose: str, texts: tuple[str, ...], ids: dict[str, str]) -> Told:
        """Of those that have room for just this, the one of which least is said beside the purpose's words."""

        def said(call: Told) -> str:
            return f"{call.use} {self._verbs.get(self._verb(call), {}).get('help', '')}".lower()

        wanted = set(purpose.split())
        fit = [call for call in self._told if wanted <= set(re.findall(r"\w+", said(call)))]
        fit = [call for call in fit if self._filled(call, texts, ids)]
        assert fit, f"nothing that is told is for this: {purpose} {texts} {ids}"
        return min(fit, key=lambda call: len(said(call)))

    def _verb(self, call: Told) -> tuple[str, ...]:
        """The longest command with which a call begins; none for a call of another program."""
        rest = call.words[1:] if call.words[0] == self._own else ()
        return next((rest[:n] for n in range(len(rest), 0, -1) if rest[:n] in self._verbs), ())

    def _filled(self, call: Told, texts: tuple[str, ...], ids: dict[str, str]) -> list[str]:
        """The call with ids where those of their noun belong, and the texts in the other holes; empty when unfit.

        An id that is not asked for fits nowhere.
        """
        verb = self._verb(call)
        parameters = self._verbs[verb]["parameters"] if verb else []
        options = {name: p for p in parameters if not p["positional"] for name in (p["name"], *p["aliases"])}
        places = iter([p for p in parameters if p["positional"]])
        words, left, unused = list(call.words), list(texts), set(ids)
        valued: Any = None
        parameter: Any
        for at in range(1 + len(verb), len(words)):
            if words[at].startswith("-"):
                option = options.get(words[at])
                valued = option if option is not None and option["type"] != "flag" else None
                continue
            parameter, valued = valued or next(places, {"of": []}), None
            if not HOLE.fullmatch(words[at]):
                continue
            noun = next(iter(parameter["of"]), None)
            if noun in ids:
                words[at] = ids[noun]
                unused.discard(noun)
            elif noun is None and left:
                words[at] = left.pop(0)
            else:
                return []
        return words if not left and not unused else []


def run(words: list[str]) -> tuple[int, str]:
    ran = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    return ran.returncode, ran.stdout


def first(pattern: "re.Pattern[str]", text: str) -> str:
    found = pattern.search(text)
    assert found is not None, (pattern.pattern, text)
    return found[1] if pattern.groups else found[0]


# -- a worker ---------------------------------------------------------------------------------------------


def worker(me: Reader) -> None:
    """Begins and meets an obstacle in its first turn; goes on when that is gone; answers whoever asks."""
    task = me.do("who you are hold")["taskIds"][0]
    whole = me.do("one task in full", task=task)
    if whole["status"] == "todo":
        begin(me, task, first(FILE, whole["description"]))
    read(me)
    if me.do("one task in full", task=task)["status"] == "in_progress":
        finish(me, task)


def begin(me: Reader, task: str, file: str) -> None:
    me.do("take claim begin", task=task)
    steps = [me.do("step checklist add", step, task=task)["id"] for step in ("learn the word", "write it down")]
    me.remember(file=file, steps=steps)
    me.do("changed reached sentence", f"{file} can be written, once the word is known")
    me.do("cannot go on without", "nobody said which word belongs there", task=task)
    me.do("ask another session", f"Which word belongs into {file}?", session=first(ABOVE, me.brief))


def read(me: Reader) -> None:
    """What has come is read once: answers are remembered, questions answered."""
    for mail in me.do("all unread whole"):
        if mail["type"] == "query":
            me.do("answer it", f"{me.notes['file']} will have a single line", mail=mail["id"])
        elif mail["type"] == "response":
            me.remember(word=spoken(mail))


def finish(me: Reader, task: str) -> None:
    while "word" not in me.notes:
        me.do("until there is unread mail")
        read(me)
    learn, write = me.notes["steps"]
    me.do("tick it off", subtask=learn)
    Path(me.notes["file"]).write_text(me.notes["word"] + "\n")
    me.do("new and changed commit")
    me.do("for the commit", f"write {me.notes['file']}")
    me.do("tick it off", subtask=write)
    me.do("run its checks", task=task)
    me.do("finished and verified", f"{me.notes['file']} says {me.notes['word']}", task=task)


# -- an orchestrator --------------------------------------------------------------------------------------

WORDS = ("one", "two", "three")


def orchestrator(me: Reader) -> None:
    """All in one turn, but for what it must ask a person."""
    root = me.do("who you are hold")["taskIds"][0]
    if "children" not in me.notes:
        decompose(me, root)
        help_all(me)
        review(me)
        if "## Your worktree" not in me.brief:
            sessions = ", ".join(me.notes["children"].values())
            me.do("checked out person merging ask", f"Please merge {sessions}, in this order.")
            return
        for branch in branches(me).values():
            me.do("merge each branch", branch)
    else:
        assert {row["state"] for row in me.do("branch nowhere else until merged")} == {"merged"}
    me.do("run its checks", task=root)
    me.do("built verified part is done", "three files, each with its word; the checks of the whole have passed")
    me.do("finished and verified", "three parts, written by three workers, merged", task=root)


def decompose(me: Reader, root: str) -> None:
    me.do("one task in full", task=root)
    me.do("take claim begin", task=root)
    children = {}
    for word in WORDS:
        file = f"{word}.txt"
        text, criterion = f"Write a word into {file}.", f"{file} has the word"
        made = me.do("add a task", f"Write {file}", text, criterion, f"grep -q . {file}", task=root)
        children[made["id"]] = ""
    wave = me.do("waves longest chain")["waves"][0]
    assert set(children) <= set(wave)
    for child in children:
        children[child] = me.do("branch of its own beside others", task=child)["session"]["id"]
    me.remember(children=children)


def help_all(me: Reader) -> None:
    """Take each worker's obstacle away: answer its question. And ask one of my own."""
    tasks = {session: task for task, session in me.notes["children"].items()}
    asked: set[str] = set()
    answers: set[str] = set()
    while len(asked) < len(WORDS) or len(answers) < len(WORDS):
        me.do("until there is mail for you")
        for mail in me.do("all unread whole"):
            session = mail["fromSessionId"]
            if mail["type"] == "response":
                answers.add(session)
                continue
            asked.add(session)
            me.do("worker is blocked obstacle gone", task=tasks[session])
            me.do("waits in its mailbox", "How many lines will it have?", session=session)
            me.do("answer it", first(FILE, spoken(mail)).removesuffix(".txt"), mail=mail["id"])


def review(me: Reader) -> None:
    for child, session in me.notes["children"].items():
        me.do("until it has ended", session=session)
        found = me.do("how it stands criteria", task=child)
        assert found["status"] == "completed", found
        me.do("run its checks where the worker worked", task=child)
        changed = me.do("what a worker with a worktree changed", session=session)
        assert [file["path"] for file in changed["files"]] == [first(FILE, found["description"])]


def branches(me: Reader) -> dict[str, str]:
    """By session, in the order in which they were started."""
    rows = {row["sessionId"]: row["branch"] for row in me.do("branch nowhere else until merged")}
    return {session: rows[session] for session in me.notes["children"].values()}


def spoken(mail: dict[str, Any]) -> str:
    """All that a mail's body says."""
    return " ".join(str(value) for value in mail["body"].values())


if __name__ == "__main__":
    reader = Reader(Path(sys.argv[1]), *sys.argv[2:])
    {"worker": worker, "orchestrator": orchestrator}[os.environ["MAESTRO_ROLE"]](reader)
