"""Lists: whole or in pages, in order, filtered, short; and single resources."""

import json

import pytest

from tests.daemon.scene import Json, Scene

pytestmark = pytest.mark.xdist_group("daemon-lists")


@pytest.fixture(scope="module")
def project(scene: Scene) -> Json:
    """A project with a dozen tasks of which the first is a parent, a few are urgent, some wait or are done."""
    project = scene.project()
    first = scene.task(project, title="First of all", description="the long story", labels=["red", "blue"])
    for number in range(3):
        scene.task(parentId=first["id"], title=f"Child {number}")
    urgent = [scene.task(project, title=f"Urgent {n}", priority="high", labels=["red"])["id"] for n in range(4)]
    scene.task(project, title="Waits", dependencies=[urgent[0]])
    done = scene.task(project, title="Done", initialPrompt="do it")["id"]
    scene.ok("POST", f"/tasks/{done}/complete")
    scene.ok("POST", f"/tasks/{urgent[1]}/start")
    scene.task(project, title="Last", priority="low", metadata={"k": "v"})
    return project


def titles(answer: list[Json]) -> list[str]:
    return [task["title"] for task in answer]


def ids(answer: list[Json]) -> list[str]:
    return [task["id"] for task in answer]


def test_a_list_without_limit_or_cursor_is_a_bare_array_of_everything(scene: Scene, project: Json) -> None:
    answer = scene.ok("GET", f"/tasks?projectId={project['id']}")
    assert isinstance(answer, list)
    assert len(answer) == 11
    assert ids(answer) == sorted(ids(answer))


@pytest.mark.parametrize("query", ["limit=5", "offset=0", "cursor="])
def test_a_list_with_limit_offset_or_cursor_is_a_page(scene: Scene, project: Json, query: str) -> None:
    answer = scene.ok("GET", f"/tasks?projectId={project['id']}&{query}")
    assert answer.keys() == {"data", "pagination"}
    assert answer["pagination"].keys() == {"limit", "nextCursor", "total", "hasMore"}
    assert answer["pagination"]["total"] == 11
    assert answer["pagination"]["limit"] == (5 if query == "limit=5" else 100)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    "filters",
    ["", "&status=todo", "&priority=high,medium", "&label=red", "&q=urgent", "&status=todo,completed&ready=true"],
)
def test_pages_together_are_the_whole_list_and_their_total_never_changes(
    scene: Scene, project: Json, order: str, filters: str
) -> None:
    base = f"/tasks?projectId={project['id']}&order={order}{filters}"
    whole = scene.ok("GET", base)
    assert whole
    seen: list[Json] = []
    cursor = ""
    while True:
        page = scene.ok("GET", f"{base}&limit=2&cursor={cursor}")
        seen += page["data"]
        assert page["pagination"]["total"] == len(whole)
        assert page["pagination"]["hasMore"] == (len(seen) < len(whole))
        cursor = page["pagination"]["nextCursor"]
        if cursor is None:
            break
    assert seen == whole
    assert ids(whole) == sorted(ids(whole), reverse=order == "desc")


def test_an_offset_skips_and_the_cursor_goes_on_behind_it(scene: Scene, project: Json) -> None:
    base = f"/tasks?projectId={project['id']}"
    whole = scene.ok("GET", base)
    page = scene.ok("GET", f"{base}&limit=3&offset=4")
    assert page["data"] == whole[4:7]
    following = scene.ok("GET", f"{base}&limit=3&cursor={page['pagination']['nextCursor']}")
    assert following["data"] == whole[7:10]
    behind = scene.ok("GET", f"{base}&limit=3&offset=10000")
    assert behind["data"] == []
    assert behind["pagination"]["hasMore"] is False


def test_the_cursor_of_something_deleted_still_goes_on_from_its_place(scene: Scene) -> None:
    project = scene.project()
    made = [scene.task(project)["id"] for _ in range(4)]
    scene.ok("DELETE", f"/tasks/{made[1]}")
    page = scene.ok("GET", f"/tasks?projectId={project['id']}&limit=5&cursor={made[1]}")
    assert ids(page["data"]) == made[2:]


FILTERS = {
    "status=todo&priority=high": ["Urgent 0", "Urgent 2", "Urgent 3"],
    "status=in_progress": ["Urgent 1"],
    "status=pending&priority=low": ["Last"],
    "status=done": ["Done"],
    "label=blue": ["First of all"],
    "q=STORY": ["First of all"],
    "q=child": ["Child 0", "Child 1", "Child 2"],
    "ready=false": ["Urgent 1", "Waits", "Done"],
    "ready=true&priority=low": ["Last"],
    "parentId=null&label=blue": ["First of all"],
    "parentId=null&priority=low": ["Last"],
    "parentId=null&ready=true&priority=low": ["Last"],
    "status=completed,in_progress": ["Urgent 1", "Done"],
}


@pytest.mark.parametrize("query", FILTERS)
def test_filters_join(scene: Scene, project: Json, query: str) -> None:
    assert titles(scene.ok("GET", f"/tasks?projectId={project['id']}&{query}")) == FILTERS[query]


def test_children_are_filtered_like_everything_else(scene: Scene, project: Json) -> None:
    first = scene.ok("GET", f"/tasks?projectId={project['id']}&label=blue")[0]["id"]
    children = ["Child 0", "Child 1", "Child 2"]
    assert titles(scene.ok("GET", f"/tasks?parentId={first}")) == children
    assert titles(scene.ok("GET", f"/tasks?parentId={first}&projectId={project['id']}&ready=true")) == children
    assert titles(scene.ok("GET", f"/tasks?parentId={first}&status=completed")) == []
    assert titles(scene.ok("GET", f"/tasks?parentId={first}&projectId={scene.project()['id']}")) == []


def test_tasks_without_a_parent_are_found_in_all_projects(scene: Scene, project: Json) -> None:
    roots = scene.ok("GET", "/tasks?parentId=null")
    assert "First of all" in titles(roots)
    assert all(task["parentId"] is None for task in roots)


def test_children_recursive_are_all_below(scene: Scene) -> None:
    top = scene.task()
    middle = scene.task(parentId=top["id"])
    leaf = scene.task(parentId=middle["id"])
    assert ids(scene.ok("GET", f"/tasks/{top['id']}/children")) == [middle["id"]]
    assert set(ids(scene.ok("GET", f"/tasks/{top['id']}/children?recursive=true"))) == {middle["id"], leaf["id"]}


def test_sessions_are_found_by_what_they_are(scene: Scene) -> None:
    project = scene.project()
    worker = scene.session(project, tasks=1)
    boss = scene.session(project, role="orchestrator")
    below = scene.session(project, parentSessionId=boss["id"])
    scene.ok("POST", f"/sessions/{worker['id']}/stop")
    base = f"/sessions?projectId={project['id']}"
    assert ids(scene.ok("GET", f"{base}&active=false")) == [worker["id"]]
    assert ids(scene.ok("GET", f"{base}&active=true&role=worker")) == [below["id"]]
    assert ids(scene.ok("GET", f"{base}&parentSessionId={boss['id']}")) == [below["id"]]
    assert ids(scene.ok("GET", f"{base}&status=stopped")) == [worker["id"]]
    assert ids(scene.ok("GET", f"/sessions?taskId={worker['taskIds'][0]}")) == [worker["id"]]
    assert ids(scene.ok("GET", f"/tasks?sessionId={worker['id']}")) == worker["taskIds"]


def test_projects_are_found_by_a_directory_inside_of_them(scene: Scene) -> None:
    project = scene.project()
    inside = f"{project['workingDir']}/src/deep"
    assert ids(scene.ok("GET", f"/projects?workingDir={inside}")) == [project["id"]]
    assert scene.ok("GET", "/projects?workingDir=/nowhere") == []
    assert scene.ok("GET", "/projects?workingDir=relative/path&limit=3")["data"] == []


def test_archived_projects_are_listed_when_asked_for(scene: Scene) -> None:
    project = scene.project()
    scene.ok("POST", f"/projects/{project['id']}/archive")
    assert project["id"] in ids(scene.ok("GET", "/projects?archived=true"))
    assert project["id"] not in ids(scene.ok("GET", "/projects?archived=false"))
    page = scene.ok("GET", "/projects?archived=false&limit=1")
    assert page["pagination"]["total"] == len(scene.ok("GET", "/projects?archived=false"))


def test_the_callers_directory_chooses_the_project(scene: Scene, project: Json) -> None:
    scene.task()
    here = {"X-Maestro-Cwd": f"{project['workingDir']}/src%20x"}
    assert len(scene.ok("GET", "/tasks", headers=here)) == 11
    made = scene.ok("POST", "/tasks", {"title": "Here"}, headers=here)
    assert made["projectId"] == project["id"]
    scene.ok("DELETE", f"/tasks/{made['id']}")


def test_a_summary_leaves_out_the_long_texts(scene: Scene, project: Json) -> None:
    summary = scene.ok("GET", f"/tasks?projectId={project['id']}&fields=summary&limit=1")["data"][0]
    full = scene.ok("GET", f"/tasks/{summary['id']}")
    left_out = full.keys() - summary.keys()
    assert {"description", "initialPrompt", "acceptanceCriteria", "metadata"} <= left_out
    assert all(full[name] == value for name, value in summary.items())


def test_a_long_list_is_whole_and_valid(scene: Scene) -> None:
    project = scene.project()
    made = [scene.task(project)["id"] for _ in range(450)]
    answer = scene.call("GET", f"/tasks?projectId={project['id']}")
    assert ids(answer.json) == made
    assert answer.headers["transfer-encoding"] == "chunked"
    page = scene.ok("GET", f"/tasks?projectId={project['id']}&limit=1000")
    assert page["data"] == answer.json
    old = scene.daemon.raw(f"GET /api/v1/tasks?projectId={project['id']} HTTP/1.0\r\n\r\n".encode())
    head, _, body = old.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert ids(json.loads(body)) == made


def test_derived_fields_of_a_task_follow_what_hangs_on_it(scene: Scene) -> None:
    session = scene.session(tasks=1)
    task = session["taskIds"][0]
    scene.ok("POST", f"/tasks/{task}/subtasks", {"title": "one"})
    ticked = scene.ok("POST", f"/tasks/{task}/subtasks", {"title": "two"})
    scene.ok("PATCH", f"/tasks/{task}/subtasks/{ticked['id']}", {"completed": True})
    scene.task(parentId=task)
    shown = scene.ok("GET", f"/tasks/{task}")
    assert shown["sessionIds"] == [session["id"]]
    assert shown["taskSessionStatuses"] == {session["id"]: "queued"}
    assert shown["subtaskProgress"] == {"done": 1, "total": 2}
    assert shown["childCount"] == 1
    assert shown["ready"] is True
    waits = scene.task({"id": session["projectId"]}, dependencies=[task])
    assert waits["blockedBy"] == [task]
    assert waits["ready"] is False


def test_an_etag_changes_with_the_body_and_not_otherwise(scene: Scene) -> None:
    task = scene.task()["id"]
    first = scene.call("GET", f"/tasks/{task}").headers["etag"]
    assert scene.call("GET", f"/tasks/{task}").headers["etag"] == first
    scene.ok("POST", f"/tasks/{task}/subtasks", {"title": "derived"})
    moved = scene.call("GET", f"/tasks/{task}")
    assert moved.headers["etag"] != first
    assert moved.json["version"] == 1


def test_short_names_are_as_good_as_ids(scene: Scene) -> None:
    project = scene.project(name="Space Elevator")
    task = scene.task(project, title="Fix the flux capacitor")
    assert scene.ok("GET", f"/tasks/{task['id'][-7:]}")["id"] == task["id"]
    assert scene.ok("GET", "/tasks/fix-the-flux")["id"] == task["id"]
    assert scene.ok("GET", "/tasks?projectId=space-elev")[0]["id"] == task["id"]
    assert scene.ok("POST", "/tasks/fix-the-flux/start")["id"] == task["id"]
    scene.task(project, title="Fix the flux meter")
    ambiguous = scene.call("GET", "/tasks/fix-the-flux")
    assert ambiguous.status == 400
    assert len(ambiguous.json["details"]) == 2


def test_the_status_counts_what_there_is_and_says_who_waits(scene: Scene) -> None:
    project = scene.project()
    scene.task(project)
    blocked = scene.task(project)
    scene.ok("POST", f"/tasks/{blocked['id']}/block", {"reason": "no key"})
    session = scene.session(project)
    scene.ok("POST", f"/sessions/{session['id']}/needs-input", {"message": "which one?"})
    status = scene.ok("GET", f"/status?projectId={project['id']}")
    assert status["tasks"]["todo"] == 1
    assert status["tasks"]["blocked"] == 1
    assert status["tasks"]["ready"] == 1
    assert status["sessions"]["spawning"] == 1
    waiting = [(w["sessionId"], w["status"], w["message"]) for w in status["needsInput"]]
    assert waiting == [(session["id"], "spawning", "which one?")]
    assert [(s["id"], s["reason"]) for s in status["stuck"]] == [(blocked["id"], "no key")]
    assert status["readOnly"] is None
    everything = scene.ok("GET", "/status")
    assert everything["tasks"]["todo"] >= 1
    assert everything["projects"] == len(scene.ok("GET", "/projects"))


def test_hello_says_who_asks_and_how_far_the_daemon_is(scene: Scene) -> None:
    hello = scene.ok("GET", "/hello")
    assert hello["api"] == 1
    assert hello["pid"] == scene.daemon.pid
    assert hello["home"] == str(scene.daemon.home)
    assert hello["seq"] == hello["durableSeq"]
    assert hello["actor"] == {"kind": "user", "id": None, "role": None, "projectId": None}
    session, headers = scene.worker()
    known = scene.ok("GET", "/hello", headers=headers)["actor"]
    assert known == {"kind": "session", "id": session["id"], "role": "worker", "projectId": session["projectId"]}


def test_the_history_shows_commits_in_order_and_who_made_them(scene: Scene) -> None:
    before = scene.ok("GET", "/hello")["seq"]
    session, headers = scene.worker()
    scene.ok("POST", f"/sessions/{session['id']}/timeline", {"message": "hello"}, headers=headers)
    history = scene.ok("GET", f"/commits?after={before}")
    assert [c["seq"] for c in history["data"]] == list(range(before + 1, history["last"] + 1))
    assert history["seq"] >= history["last"]
    mine = scene.ok("GET", f"/commits?after={before}&actor=session:{session['id']}")["data"]
    assert [c["command"]["kind"] for c in mine] == ["Report"]
    about = scene.ok("GET", f"/commits?after={before}&entity={session['id']}")["data"]
    assert {"SpawnSession", "LaunchSession"} <= {c["command"]["kind"] for c in about}
    assert len(scene.ok("GET", "/commits?limit=2")["data"]) == 2
    assert scene.ok("GET", "/commits?after=900000000")["data"] == []
    assert scene.call("GET", "/commits", headers=headers).status == 403
