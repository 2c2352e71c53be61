"""A data folder as the original system left them, of invented things, sound or with defects."""

import json
from collections.abc import Mapping
from pathlib import Path

Folder = dict[str, object]

T0 = 1_770_000_000_000
PROJECT = f"proj_{T0}_aaaaaaaaa"
WORKER = f"sess_{T0 + 10}_wwwwwwwww"
BOSS = f"session-{T0 + 20}-0a1b2c3d"


def task_id(number: int) -> str:
    """The id of a task by its number."""
    return f"task_{T0 + 1000 + number}_ttttttttt"


def session(id_: str, at: int, **fields: object) -> Folder:
    """A session that has completed."""
    return {
        "id": id_,
        "projectId": PROJECT,
        "taskIds": [],
        "name": f"Execute {id_[-3:]}",
        "env": {"LANG": "C"},
        "strategy": "simple",
        "status": "completed",
        "startedAt": at,
        "lastActivity": at + 5000,
        "completedAt": at + 5000,
        "hostname": "box",
        "platform": "linux",
        "events": [],
        "timeline": [],
        "docs": [],
        "metadata": {"skills": ["maestro-worker"], "mode": "execute", "agentTool": "claude-code", "model": "opus"},
        **fields,
    }


def sound(tasks: int = 4) -> Folder:
    """A folder without a fault: a project, tasks, two sessions, a queue, mail, an ordering."""
    files: Folder = {
        f"projects/{PROJECT}.json": {
            "id": PROJECT,
            "name": "Lighthouse",
            "workingDir": "/srv/lighthouse",
            "description": "Keeps ships off the rocks",
            "createdAt": T0,
            "updatedAt": T0,
        },
        f"sessions/{WORKER}.json": session(
            WORKER,
            T0 + 10,
            taskIds=[task_id(0)],
            timeline=[
                {
                    "id": f"evt_{T0 + 11}_eeeeeeeee",
                    "type": "task_status_changed",
                    "timestamp": T0 + 11,
                    "message": "on",
                },
                {"type": "progress", "timestamp": T0 + 12, "message": "half", "taskId": task_id(0)},
            ],
            docs=[{"id": f"doc_{T0}_ddddddddd", "title": "Lamp", "filePath": "/srv/lamp.md", "addedAt": T0 + 13}],
        ),
        f"sessions/{BOSS}.json": session(
            BOSS,
            T0 + 20,
            strategy="intelligent-batching",
            metadata={"role": "orchestrator", "agentTool": "codex", "permissionMode": "readOnly"},
        ),
        f"queues/{WORKER}.json": {
            "sessionId": WORKER,
            "strategy": "queue",
            "items": [{"taskId": task_id(0), "status": "completed", "addedAt": T0 + 10, "completedAt": T0 + 90}],
            "currentIndex": -1,
            "createdAt": T0 + 10,
            "updatedAt": T0 + 90,
        },
        f"mail/mail_{T0 + 15}_mmmmmmmmm.json": {
            "id": f"mail_{T0 + 15}_mmmmmmmmm",
            "projectId": PROJECT,
            "fromSessionId": BOSS,
            "toSessionId": WORKER,
            "replyToMailId": None,
            "type": "directive",
            "subject": "Lamp first",
            "body": {"details": "oil it"},
            "createdAt": T0 + 30,
        },
        f"mail/mail_{T0 + 40}_bbbbbbbbb.json": {
            "id": f"mail_{T0 + 40}_bbbbbbbbb",
            "projectId": PROJECT,
            "fromSessionId": BOSS,
            "toSessionId": None,
            "type": "notification",
            "subject": "Storm",
            "body": {"message": "tonight"},
            "createdAt": T0 + 40,
        },
        f"templates/tmpl_{T0}_pppppppppp.json": {
            "id": f"tmpl_{T0}_pppppppppp",
            "name": "Keeper",
            "role": "worker",
            "content": "You keep {{PROJECT_NAME}}.",
            "isDefault": True,
            "createdAt": T0,
        },
        f"ordering/task-{PROJECT}.json": {
            "projectId": PROJECT,
            "entityType": "task",
            "orderedIds": [task_id(1), task_id(0)],
            "updatedAt": T0 + 50,
        },
    }
    for number in range(tasks):
        files[f"tasks/{PROJECT}/{task_id(number)}.json"] = a_task(number)
    return files


def a_task(number: int, **fields: object) -> Folder:
    """A task; the first has been completed by the worker, each other waits for the one before."""
    done = number == 0
    return {
        "id": task_id(number),
        "projectId": PROJECT,
        "parentId": None,
        "title": f"Step {number}",
        "description": "",
        "status": "completed" if done else "pending",
        "taskSessionStatuses": {WORKER: "completed"} if done else {},
        "priority": "high",
        "createdAt": T0 + 1000 + number,
        "updatedAt": T0 + 2000,
        "startedAt": T0 + 1500 if done else None,
        "completedAt": T0 + 1900 if done else None,
        "initialPrompt": "Mind the steps",
        "sessionIds": [WORKER] if done else [],
        "skillIds": [],
        "dependencies": [task_id(number - 1)] if number else [],
        "agentTool": "claude-code",
        "subtasks": [
            {"id": f"sub_{T0}_{number:09}", "title": "Look", "completed": done, "createdAt": T0}
            | ({"completedAt": T0 + 1800} if done else {})
        ],
        **fields,
    }


DEFECTS: dict[str, tuple[Folder, str]] = {}
"""Files with a defect each, and a piece of what is to be told of it, by the defect."""


def _plant(what: str, path: str, document: object, told: str) -> None:
    DEFECTS[what] = ({path: document}, told)


def _task(number: int, what: str, told: str, **fields: object) -> None:
    own = {"dependencies": [], "subtasks": [], **fields}
    _plant(what, f"tasks/{PROJECT}/{task_id(number)}.json", a_task(number, **own), told)


_task(9001, "dependency on nothing", "dependencies names task task_0_gone", dependencies=["task_0_gone"])
_task(9002, "parent that is gone", "parent_id names task task_0_gone", parentId="task_0_gone")
_task(9003, "reference to nothing", "reference_task_ids names", referenceTaskIds=["task_0_gone"])
_task(9004, "session that is gone", "session_id names session sess_0", taskSessionStatuses={"sess_0": "working"})
_task(9005, "status that is not known", "status is 'someday'", status="someday")
_task(9006, "priority that is not known", "priority is 'huge'", priority="huge")
_task(9007, "title that is no text", "title is 7", title=7)
_task(9008, "time before time", "startedAt is -5", startedAt=-5)
_task(9009, "member of a team among the tasks", "a member of a team", taskType="team-member")
_task(9010, "its own parent", "parent_id lead back", parentId=task_id(9010))
_task(9011, "a circle of dependencies", "dependencies lead back", dependencies=[task_id(9011)])
_task(9012, "waits for its parent", "one above or below it", parentId=task_id(1), dependencies=[task_id(1)])
_task(9013, "project that is gone", "project_id names project proj_0_gone", projectId="proj_0_gone")
_task(9014, "title without an end", "title did not fit", title="long " * 100)
_task(9015, "completed at no time", "completed_at did not fit", status="completed", completedAt=None)
_task(9016, "id that leads out of the folder", "has an id that is none", id="../../etc/passwd")
_task(9017, "session status that is not known", "status is 'needs_input'", taskSessionStatuses={BOSS: "needs_input"})
_task(9018, "work of a dead session", "status, ended_at, result did not fit", taskSessionStatuses={BOSS: "working"})
_task(9019, "a list of the wrong things", "dependencies names 5", dependencies=[5, {}])
_plant(
    "dead working session",
    f"sessions/sess_{T0}_dead.json",
    session(f"sess_{T0}_dead", T0, status="working", completedAt=None, needsInput={"active": True}),
    "it was working, and its agent is not here",
)
_plant(
    "secret in the environment",
    f"sessions/sess_{T0}_env.json",
    session(f"sess_{T0}_env", T0, env={"SOME_API_KEY": "planted", "MAESTRO_X": "1", "N": 1}),
    "look like secrets",
)
_plant(
    "log of events",
    f"sessions/sess_{T0}_log.json",
    session(f"sess_{T0}_log", T0, events=[{"id": "evt_1", "type": "file_modified"}]),
    "its log of events",
)
_plant(
    "strategy that is not known",
    f"sessions/sess_{T0}_str.json",
    session(f"sess_{T0}_str", T0, strategy="chaos"),
    "strategy is 'chaos'",
)
_plant("file that is not whole", "tasks/x/half.json", '{"id": "task_1', "it cannot be read")
_plant("file that is a list", "projects/list.json", [], "it cannot be read")
_plant("thing without an id", "projects/none.json", {"name": "x"}, "it has no id")
_plant("folder of a later version", "teams/team_1.json", {"id": "team_1"}, "'teams' has no place here")
_plant(
    "project in a directory that is taken",
    "projects/proj_2_twin.json",
    {"id": "proj_2_twin", "name": "Twin", "workingDir": "/srv/lighthouse", "createdAt": T0 + 1, "updatedAt": T0 + 1},
    "archived_at did not fit",
)
_plant(
    "directory that is not absolute",
    "projects/proj_3_tilde.json",
    {"id": "proj_3_tilde", "name": "Tilde", "workingDir": "~/x", "createdAt": T0, "updatedAt": T0},
    "working_dir did not fit",
)
_plant(
    "queue of a session that is gone",
    "queues/sess_0_gone.json",
    {"sessionId": "sess_0_gone", "items": [{"taskId": task_id(0), "status": "processing"}]},
    "session_id names session sess_0_gone",
)
_plant(
    "mail to a session that is gone",
    "mail/mail_1_lost.json",
    {"id": "mail_1_lost", "projectId": PROJECT, "toSessionId": "sess_0_gone", "type": "query", "subject": "?"},
    "to_session_id names session sess_0_gone",
)
_plant(
    "ordering of what is gone",
    "ordering/session.json",
    {"projectId": PROJECT, "entityType": "session", "orderedIds": ["sess_0_gone", WORKER, WORKER], "updatedAt": 1},
    "ordered_ids names session sess_0_gone",
)


def damaged(tasks: int = 4) -> Folder:
    """The sound folder with every defect planted."""
    files = sound(tasks)
    for planted, _ in DEFECTS.values():
        files |= planted
    return files


def as_texts(files: Mapping[str, object]) -> dict[str, str]:
    """The files as they are sent."""
    return {path: document if isinstance(document, str) else json.dumps(document) for path, document in files.items()}


def written(folder: Path, files: Mapping[str, object]) -> Path:
    """The files on disk."""
    for path, text in as_texts(files).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
