"""Real git repositories for tests, which read nobody's configuration."""

import os
import subprocess
from pathlib import Path

ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path | str, *words: str) -> str:
    """What git prints there; it must succeed."""
    own = ("-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always")
    ran = subprocess.run(["git", *own, *words], cwd=folder, env=ENVIRON, capture_output=True, check=False)
    assert ran.returncode == 0, f"git {words}: {os.fsdecode(ran.stderr)}"
    return os.fsdecode(ran.stdout).removesuffix("\n")


def commit(folder: Path, name: str, text: str, said: str = "more") -> str:
    """Write a file and commit it; the commit."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    git(folder, "add", "--", name)
    git(folder, "commit", "-qm", said)
    return git(folder, "rev-parse", "HEAD")


def repository(folder: Path) -> Path:
    """A repository with one commit, on ``main``."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("*.log\n.env\n")
    git(folder, "add", ".gitignore")
    commit(folder, "main.txt", "good\n", "first")
    return folder


def tree(folder: Path) -> dict[str, str]:
    """Every file of a folder but git's own, with what is in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_dir() and name.split("/")[0] != ".git":
            found[name] = f"-> {path.readlink()}" if path.is_symlink() else path.read_text(errors="surrogateescape")
    return found
