"""Making worktrees, what is in them, and taking them away: nothing is lost, whatever was done to them by hand."""

import os
import shutil
from pathlib import Path

import pytest

from maestrod.git import copies, merging, trash, work, worktrees
from maestrod.git.errors import GitError, GitFailed, GitMissing, GitTimeout, GitTooOld, NoRepository
from maestrod.git.process import Git
from maestrod.git.trash import Origin
from tests.git.ways import BRANCH, WAYS, changed, detached_and_branch, in_conflict, orphan, untracked
from tests.support.repository import ENVIRON, commit, git, repository, tree

AT = 1_700_000_000_000


class Place:
    """A repository and a worktree of it."""

    def __init__(self, folder: Path) -> None:
        self.repository = repository(folder / "work")
        self.path = folder / "home" / "fix-it-x7k9"
        self.git = Git(self.repository, ENVIRON)
        self.base = worktrees.base_of(self.git).commit

    def add(self) -> Path:
        worktrees.add(self.git, str(self.path), BRANCH, self.base)
        return self.path

    def look(self, *copied: str) -> work.Work:
        return work.look(self.git, str(self.path), BRANCH, original=str(self.repository), copied=copied)

    def keep(self, *copied: str) -> trash.Kept:
        origin = Origin(session="sess_1", branch=BRANCH, base=self.base, target="main")
        return trash.keep(self.git, str(self.path), self.look(*copied), origin, at=AT)

    def remove(self) -> None:
        worktrees.forget(self.git, str(self.path))
        if worktrees.tip(self.git, BRANCH) is not None:
            git(self.repository, "branch", "-qD", BRANCH)

    def brought_back(self, found: trash.Kept) -> Path:
        self.remove()
        trash.restore(self.git, found, str(self.path), BRANCH)
        return self.path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# -- making -------------------------------------------------------------------------------------------


def test_a_worktree_begins_at_the_commit_on_a_branch_of_its_own(place: Place) -> None:
    path = place.add()
    assert git(path, "rev-parse", "HEAD") == place.base
    assert worktrees.branch_of(Git(path, ENVIRON)) == BRANCH
    found = place.look()
    assert (found.exists, found.sound, found.is_elsewhere) == (True, True, True)


@pytest.mark.parametrize("name", ["with space", "zwei\nzeilen", "ünï", "-b", "$(x)`y`"])
def test_names_of_folders_are_only_names(tmp_path: Path, name: str) -> None:
    place = Place(tmp_path / name)
    path = place.add()
    (path / name).write_text("x")
    assert place.look().untracked == (name,)
    assert place.look().sound
    found = place.brought_back(place.keep())
    assert (found / name).read_text() == "x"
    assert worktrees.is_known(place.git, str(path))


def test_a_directory_within_the_repository_is_told(place: Place) -> None:
    commit(place.repository, "api/a.txt", "x")
    base = worktrees.base_of(place.git.at(place.repository / "api"))
    assert (base.directory, base.branch, base.top) == ("api", "main", str(place.repository))


def test_what_no_worktree_can_be_made_of_is_said(tmp_path: Path) -> None:
    plain, bare, empty = tmp_path / "plain", tmp_path / "bare", tmp_path / "empty"
    for folder in (plain, bare, empty):
        folder.mkdir()
    git(bare, "init", "-q", "--bare")
    git(empty, "init", "-q")
    told = {plain: "no git repository", bare: "a bare repository", empty: "no commits yet"}
    for folder, words in told.items():
        with pytest.raises(NoRepository, match=words):
            worktrees.base_of(Git(folder, ENVIRON))


def test_a_detached_head_is_no_branch(place: Place) -> None:
    git(place.repository, "checkout", "-q", "--detach")
    assert worktrees.base_of(place.git).branch == ""


def test_a_missing_or_old_git_is_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(GitMissing):
        Git(tmp_path, {"PATH": "/nonexistent"}).version()
    old = tmp_path / "bin"
    old.mkdir()
    (old / "git").write_text("#!/bin/sh\necho git version 2.17.1\n")
    (old / "git").chmod(0o755)
    with pytest.raises(GitTooOld, match=r"2\.17\.1"):
        Git(tmp_path, {"PATH": f"{old}:{os.environ['PATH']}"}).version()
    assert place.git.version()


def test_what_was_only_begun_is_cleared_and_can_be_made_again(place: Place) -> None:
    path = place.add()
    worktrees.clear(place.git, str(path), BRANCH, place.base)
    assert not path.exists()
    assert worktrees.tip(place.git, BRANCH) is None
    place.add()


def test_clearing_leaves_a_branch_that_has_moved(place: Place) -> None:
    path = place.add()
    commit(path, "new.txt", "x")
    worktrees.clear(place.git, str(path), BRANCH, place.base)
    assert worktrees.tip(place.git, BRANCH) is not None


def test_a_folder_that_was_deleted_by_hand_is_made_again_from_its_branch(place: Place) -> None:
    path = place.add()
    commit(path, "new.txt", "x")
    shutil.rmtree(path)
    worktrees.add_again(place.git, str(path), BRANCH)
    assert (path / "new.txt").read_text() == "x"


def test_nothing_is_made_again_of_a_branch_that_is_gone_or_elsewhere(place: Place, tmp_path: Path) -> None:
    path = place.add()
    shutil.rmtree(path)
    git(place.repository, "worktree", "prune")
    git(place.repository, "worktree", "add", "-q", str(tmp_path / "other"), BRANCH)
    with pytest.raises(NoRepository, match="checked out at"):
        worktrees.add_again(place.git, str(path), BRANCH)
    git(place.repository, "worktree", "remove", str(tmp_path / "other"))
    git(place.repository, "branch", "-qD", BRANCH)
    with pytest.raises(NoRepository, match="its branch"):
        worktrees.add_again(place.git, str(path), BRANCH)


def test_a_lock_of_another_git_is_waited_for(place: Place) -> None:
    lock = place.repository / ".git" / "refs" / "heads" / "maestro"
    lock.mkdir()
    held = lock / "fix-it-x7k9.lock"
    held.write_text("")
    import threading

    timer = threading.Timer(0.15, held.unlink)
    timer.start()
    place.add()
    timer.join()
    assert place.path.is_dir()


# -- what only looks runs nothing ---------------------------------------------------------------------


def test_looking_runs_no_program_that_the_repository_names(place: Place, tmp_path: Path) -> None:
    path = place.add()
    commit(path, "new.txt", "x")
    (path / "main.txt").write_text("other\n")
    witness = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $@" >> {witness}\ncat\n')
    evil.chmod(0o755)
    (path / ".gitattributes").write_text("*.txt diff=evil\n")
    for key in ("core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command", "core.pager"):
        git(place.repository, "config", key, str(evil))
    hooks = place.repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-merge"):
        shutil.copy(evil, hooks / hook)
    assert not witness.exists()

    place.look(".env")
    work.diff(place.git, str(path), place.base, place.look().head)
    merging.target_of(place.git)
    found = place.keep()
    trash.kept(place.git)
    worktrees.forget(place.git, str(path))
    trash.drop(place.git, found)

    assert not witness.exists(), witness.read_text()


def test_looking_writes_nothing(place: Place) -> None:
    path = place.add()
    (path / "main.txt").write_text("other\n")
    (path / "new.txt").write_text("new\n")
    before = tree(place.repository / ".git")
    place.look()
    work.diff(place.git, str(path), place.base, place.base)
    assert tree(place.repository / ".git") == before


def test_variables_of_a_git_above_lead_nowhere_else(place: Place, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    astray = Git(place.repository, {**ENVIRON, "GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": "/nonexistent"})
    assert worktrees.base_of(astray).top == str(place.repository)


def test_a_hook_that_hangs_is_ended_with_all_that_it_started(place: Place) -> None:
    hook = place.repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nsleep 60\n")
    hook.chmod(0o755)
    words = ("worktree", "add", "-q", "-b", BRANCH, "--", str(place.path), place.base)
    with pytest.raises(GitTimeout):
        place.git.run(*words, hooks=True, limit_s=0.3)


def test_an_answer_without_end_is_cut_or_refused(place: Place) -> None:
    assert len(place.git.run("cat-file", "-p", "HEAD", most=10, cut=True)) == 10
    with pytest.raises(GitFailed, match="more than 10 bytes"):
        place.git.run("cat-file", "-p", "HEAD", most=10)


# -- what is in it, and the trash ---------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_work_is_seen_and_comes_back_from_the_trash(place: Place, way: object) -> None:
    path = place.add()
    way(path)  # type: ignore[operator]
    files, status = tree(path), git(path, "status", "--porcelain")
    head = git(path, "rev-parse", "--verify", "--quiet", "HEAD") if way is not orphan else ""
    assert not place.look().is_elsewhere

    found = place.brought_back(place.keep())

    assert tree(found) == files
    if way is detached_and_branch:
        assert git(found, "show", "HEAD:detached.txt") == "y"
        assert git(found, "show", f"{trash.kept(place.git)[0].commit}^2:branch.txt") == "x"
    elif way not in {orphan, in_conflict}:
        assert git(found, "rev-parse", "HEAD") == head
        assert git(found, "status", "--porcelain") == status


def test_what_another_branch_a_tag_or_a_remote_has_is_not_lost(place: Place, tmp_path: Path) -> None:
    path = place.add()
    for number, shared in enumerate(("branch", "tag")):
        commit(path, f"{number}.txt", "x")
        assert [each.subject for each in place.look().commits] == ["more"]
        git(path, shared, f"kept-{number}")
        assert place.look().is_elsewhere
    git(tmp_path, "init", "-q", "--bare", "far")
    git(place.repository, "remote", "add", "far", str(tmp_path / "far"))
    commit(path, "2.txt", "x")
    git(path, "push", "-q", "far", f"{BRANCH}:fixed")
    assert place.look().is_elsewhere


def test_a_worktree_without_a_folder_has_its_commits_and_without_a_branch_nothing(place: Place) -> None:
    path = place.add()
    commit(path, "new.txt", "x")
    shutil.rmtree(path)
    assert (place.look().exists, len(place.look().commits)) == (False, 1)
    assert (place.brought_back(place.keep()) / "new.txt").read_text() == "x"
    shutil.rmtree(path)
    git(place.repository, "worktree", "prune")
    git(place.repository, "branch", "-qD", BRANCH)
    assert place.look().is_elsewhere


def test_a_branch_that_was_deleted_by_hand_leaves_what_is_checked_out(place: Place) -> None:
    path = place.add()
    commit(path, "new.txt", "x")
    git(place.repository, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert (path / "new.txt").exists()
    found = place.look()
    assert not found.is_elsewhere
    assert (place.brought_back(place.keep()) / "new.txt").read_text() == "x"


def test_a_folder_that_git_does_not_take_for_the_worktree_is_not_sound(place: Place) -> None:
    path = place.add()
    (path / ".git").unlink()
    assert (place.look().exists, place.look().sound) == (True, False)
    shutil.rmtree(path)
    repository(path)
    assert place.look().sound is False


def test_a_submodule_with_work_of_its_own_is_told_and_cannot_be_kept(place: Place, tmp_path: Path) -> None:
    lib = repository(tmp_path / "lib")
    git(place.repository, "submodule", "--quiet", "add", str(lib), "lib")
    git(place.repository, "commit", "-qm", "lib")
    place.base = git(place.repository, "rev-parse", "HEAD")
    path = place.add()
    assert place.look().is_elsewhere
    git(path, "submodule", "--quiet", "update", "--init")
    assert place.look().is_elsewhere
    (path / "lib" / "main.txt").write_text("mine")
    assert place.look().inner == ("lib",)
    git(path / "lib", "commit", "-qam", "mine")
    assert place.look().inner == ("lib",)
    with pytest.raises(trash.Unkeepable, match="lib"):
        place.keep()
    git(path, "add", "lib")
    git(path, "commit", "-qm", "lib has moved")
    assert place.look().inner == ("lib",)
    assert path.exists()


def test_a_repository_within_it_is_never_taken_for_kept(place: Place) -> None:
    path = place.add()
    repository(path / "cloned")
    assert place.look().untracked == ("cloned/",)
    with pytest.raises(trash.Unkeepable, match="cloned"):
        place.keep()
    assert trash.kept(place.git) == []


def test_one_name_after_another_in_the_trash_and_the_old_ones_go(place: Place) -> None:
    path = place.add()
    changed(path)
    names = [place.keep().name, place.keep().name]
    assert names == ["fix-it-x7k9", "fix-it-x7k9-2"]
    assert [each.name for each in trash.kept(place.git)] == names
    assert trash.drop_old(place.git, now=AT + 29 * trash.DAY_MS) == 0
    assert trash.drop_old(place.git, now=AT + 30 * trash.DAY_MS) == 2
    assert trash.kept(place.git) == []


def test_refs_in_the_trash_that_are_not_ours_are_passed_over(place: Place) -> None:
    git(place.repository, "update-ref", "refs/maestro/trash/strange", "HEAD")
    said = "x\n\nMaestro-branch: --upload-pack=x\nMaestro-at: 5\n"
    git(
        place.repository,
        "update-ref",
        "refs/maestro/trash/bad",
        git(place.repository, "commit-tree", "-m", said, "HEAD^{tree}"),
    )
    assert trash.kept(place.git) == []


def test_what_the_trash_holds_outlives_gc(place: Place) -> None:
    path = place.add()
    changed(path)
    found = place.keep()
    place.remove()
    git(place.repository, "reflog", "expire", "--expire=now", "--all")
    git(place.repository, "gc", "-q", "--prune=now")
    trash.restore(place.git, found, str(path), BRANCH)
    assert (path / "main.txt").read_text() == "better\n"


# -- copies -------------------------------------------------------------------------------------------


def test_copied_files_count_only_when_they_were_changed(place: Place) -> None:
    (place.repository / ".env").write_text("A=1\n")
    (place.repository / "local.txt").write_text("not ignored\n")
    path = place.add()
    assert copies.copy(place.repository, path, (".env", "local.txt", "missing")) == [".env", "local.txt"]
    assert place.look(".env", "local.txt").is_elsewhere
    (path / "local.txt").write_text("mine\n")
    assert place.look(".env", "local.txt").untracked == ("local.txt",)
    (path / ".env").write_text("A=2\n")
    found = place.look(".env", "local.txt")
    assert (found.copies, found.is_clean) == ((".env",), False)
    assert (place.brought_back(place.keep(".env", "local.txt")) / ".env").read_text() == "A=2\n"


def test_folders_are_copied_and_what_is_there_stays(place: Place) -> None:
    (place.repository / "cache.log").mkdir()
    (place.repository / "cache.log" / "one").write_text("1")
    (place.repository / "main.txt").write_text("changed in the project")
    path = place.add()
    copies.copy(place.repository, path, ("cache.log", "main.txt", "*.log"))
    assert (path / "cache.log" / "one").read_text() == "1"
    assert (path / "main.txt").read_text() == "good\n"
    assert place.look("cache.log").is_elsewhere
    (path / "cache.log" / "two").write_text("2")
    assert place.look("cache.log").copies == ("cache.log/two",)


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../secret", "a/../../secret", "", ".", "/", ".git/config", ".git"])
def test_patterns_lead_nowhere_else(place: Place, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "secret").write_text("x")
    path = place.add()
    assert copies.copy(place.repository, path, (pattern,)) == []


def test_nothing_is_copied_through_a_link_that_leads_out(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "passwd").write_text("theirs")
    (place.repository / "dir").symlink_to(out)
    git(place.repository, "add", "dir")
    git(place.repository, "commit", "-qm", "link")
    place.base = git(place.repository, "rev-parse", "HEAD")
    path = place.add()
    (place.repository / "dir").unlink()
    (place.repository / "dir").mkdir()
    (place.repository / "dir" / "passwd").write_text("ours")
    assert copies.copy(place.repository, path, ("dir/passwd", "dir")) == []
    assert (out / "passwd").read_text() == "theirs"


# -- differences and merging --------------------------------------------------------------------------


def test_a_diff_has_commits_changes_and_new_files(place: Place) -> None:
    path = place.add()
    commit(path, "committed.txt", "1\n2\n")
    changed(path)
    untracked(path)
    (path / "made.log").write_text("ignored")
    found = work.diff(place.git, str(path), place.base, place.look().head)
    files = {each.path: (each.added, each.removed) for each in found.files}
    assert files == {"committed.txt": (2, 0), "main.txt": (1, 1), "notes/-rf *\n.txt": (1, 0)}
    assert "+better" in found.patch
    shutil.rmtree(path)
    assert [each.path for each in work.diff(place.git, str(path), place.base, place.look().head).files] == [
        "committed.txt"
    ]


def test_a_patch_that_is_too_long_is_cut(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "DIFF", 200)
    path = place.add()
    (path / "long.txt").write_text("x\n" * 500)
    found = work.diff(place.git, str(path), place.base, place.base)
    assert (len(found.patch), found.cut) == (200, True)


def test_a_merge_brings_the_work_and_once_is_enough(place: Place) -> None:
    path = place.add()
    tip = commit(path, "new.txt", "x")
    assert merging.merge(place.git, BRANCH, tip)
    assert (place.repository / "new.txt").read_text() == "x"
    assert not merging.merge(place.git, BRANCH, tip)
    assert place.look().is_elsewhere


def test_a_conflict_leaves_the_target_as_it_was_and_names_the_files(place: Place) -> None:
    path = place.add()
    tip = commit(path, "main.txt", "theirs\n")
    commit(place.repository, "main.txt", "ours\n")
    before = (git(place.repository, "rev-parse", "HEAD"), tree(place.repository))
    with pytest.raises(worktrees.Conflicting) as caught:
        merging.merge(place.git, BRANCH, tip)
    assert caught.value.paths == ("main.txt",)
    assert (git(place.repository, "rev-parse", "HEAD"), tree(place.repository)) == before
    assert git(place.repository, "status", "--porcelain") == ""


def test_a_file_that_git_does_not_know_is_never_written_over(place: Place) -> None:
    path = place.add()
    tip = commit(path, "new.txt", "theirs")
    (place.repository / "new.txt").write_text("mine")
    with pytest.raises(GitError):
        merging.merge(place.git, BRANCH, tip)
    assert (place.repository / "new.txt").read_text() == "mine"
    assert not worktrees.is_merging(place.git)


def test_what_stands_in_the_way_of_a_merge_is_named(place: Place) -> None:
    merging.refuse(merging.target_of(place.git), "main")
    merging.refuse(merging.target_of(place.git), "")
    with pytest.raises(merging.NotMerged, match="has main checked out"):
        merging.refuse(merging.target_of(place.git), "other")
    (place.repository / "main.txt").write_text("mine")
    with pytest.raises(merging.NotMerged, match=r"main\.txt"):
        merging.refuse(merging.target_of(place.git), "main")
    git(place.repository, "checkout", "-q", "main.txt")
    git(place.repository, "checkout", "-q", "--detach")
    with pytest.raises(merging.NotMerged, match="no branch"):
        merging.refuse(merging.target_of(place.git), "")
