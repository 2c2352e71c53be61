"""The programs that Maestro is made of and runs: Python and its packages, tmux, git, agents; and `maestro` itself."""

import importlib.metadata
import locale
import os
import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import maestrod
from maestro_cli.doctor.findings import Finding, Patient, fault, ok, warning
from maestro_cli.logins import login
from maestro_cli.own_providers import Providers
from maestro_cli.versions import version
from maestrod.git.errors import GitError
from maestrod.git.process import Git
from maestrod.tmux.oneshot import Tmux, TmuxError, TmuxMissing, TmuxTooOld, server_name

PACKAGE = "agent-maestro"
OLDEST = (3, 11)
REQUIRED = re.compile(r"([\w.-]+)\s*>=\s*([\d.]+)(?!.*;.*win32'$)")
COMPLETIONS = {
    "bash": (".bashrc", ".bash_completions/maestro.sh", ".local/share/bash-completion/completions/maestro"),
    "zsh": (".zshrc", ".zfunc/_maestro", ".local/share/zsh/site-functions/_maestro"),
    "fish": (".config/fish/config.fish", ".config/fish/completions/maestro.fish"),
}
LARGEST = 1 << 20
"""Bytes of a shell's settings that are searched."""


def python(_patient: Patient) -> Iterator[Finding]:
    """This interpreter, and whether each package that the program needs is there and new enough."""
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        needed = ".".join(map(str, OLDEST))
        yield fault(
            "python", f"Python {running} is too old, {needed} is needed", "Install Maestro with a newer Python."
        )
        return
    try:
        wanted = importlib.metadata.requires(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        yield ok("python", f"Python {running}; maestro {maestrod.__version__} runs from a checkout")
        return
    wrong = [each for line in wanted if (each := _package(line))]
    for each in wrong:
        yield fault("python", each, f"`{sys.executable} -m pip install --upgrade {PACKAGE}`")
    if not wrong:
        yield ok("python", f"Python {running}, maestro {maestrod.__version__}, {len(wanted)} packages as needed")


def _package(requirement: str) -> str:
    """What is wrong with a package; empty for nothing."""
    found = REQUIRED.match(requirement)
    if found is None:
        return ""
    name, oldest = found[1], found[2]
    try:
        there = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"the package {name} is missing"
    return f"{name} {there} is too old, {oldest} is needed" if _numbers(there) < _numbers(oldest) else ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def tmux(patient: Patient) -> Iterator[Finding]:
    """Whether there is one that agents' windows can be opened in."""
    door = Tmux(server_name(str(patient.places.home)), patient.places.tmux_conf, patient.environ)
    try:
        yield ok("tmux", f"tmux {door.version()}")
    except TmuxMissing as missing:
        yield fault("tmux", "tmux is not on PATH, so no agent can be started", f"`{missing.install}`")
    except TmuxTooOld as old:
        yield fault("tmux", f"tmux {old.version} is too old, so no agent can be started", f"`{old.install}`")
    except (TmuxError, OSError) as error:
        yield fault("tmux", f"tmux does not answer: {error}", "`tmux -V` shows what it says.")


def git(patient: Patient) -> Iterator[Finding]:
    """Whether worktrees can be made."""
    try:
        yield ok("git", f"git {Git('/', patient.environ).version()}")
    except GitError as error:
        yield warning("git", f"no worktrees: {error.message}", error.hint or "`git --version` shows what it says.")
    except OSError as error:
        yield warning("git", f"git cannot be run: {error}", "Install git.")


def agents(patient: Patient) -> Iterator[Finding]:
    """Each agent program: installed, answering, logged in; one is enough."""
    search = patient.environ.get("PATH") or os.defpath
    providers = Providers(patient.places.config)
    found = {name: shutil.which(p.needs[0], path=search) for name, p in providers.all().items()}
    with ThreadPoolExecutor(max_workers=len(found)) as pool:
        versions = dict(zip(found, pool.map(version, found.values()), strict=True))
    for name, provider in providers.all().items():
        if found[name] is None:
            how = ok if any(found.values()) else warning
            yield how("agents", f"{name} is not on PATH", f"To have it: {provider.install}.")
        elif versions[name] is None and provider.title != name:
            yield warning("agents", f"{name} does not tell its version", f"`{found[name]} --version` shows why.")
        elif login(name, patient.environ) == "no":
            yield warning("agents", f"{name} {versions[name]} is not logged in", f"Start `{name}` once, and log in.")
        else:
            yield ok("agents", f"{name} {versions[name] or found[name]}")
    for file, why in providers.troubles.items():
        yield warning("agents", f"{file} cannot be used: {why}", "Mend the file; the next launch reads it.")


def path(patient: Patient) -> Iterator[Finding]:
    """Whether people, agents and scripts find this very `maestro`."""
    installed = Path(sys.executable).with_name("maestro")
    own = installed if installed.exists() else None
    found = shutil.which("maestro", path=patient.environ.get("PATH") or os.defpath)
    if found is None:
        todo = f'`export PATH="{installed.parent}:$PATH"`, in your shell\'s settings too.'
        yield warning("path", "`maestro` is not on PATH", todo if own else "Install Maestro: this is a checkout.")
    elif own and Path(found).resolve() != own.resolve():
        yield warning("path", f"`maestro` is {found}, and this is {own}", "Remove one of them, or change PATH's order.")
    else:
        yield ok("path", f"`maestro` is {found}")


def shell(patient: Patient) -> Iterator[Finding]:
    """Completion, and whether texts and colours can be shown."""
    environ = patient.environ
    name = Path(environ.get("SHELL", "")).name
    if name in COMPLETIONS:
        home = Path(environ.get("HOME") or Path.home())
        there = any(_speaks(home / file) for file in COMPLETIONS[name])
        how = f"`maestro completion {name} --install` brings it."
        yield ok("shell", f"{name}, {'with' if there else 'without'} completion", "" if there else how)
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.lower().replace("-", "") != "utf8":
        yield warning(
            "shell", f"the locale's encoding is {encoding}: titles are not shown whole", "`export LANG=C.UTF-8`"
        )
    term = environ.get("TERM", "")
    if sys.stdout.isatty() and term in {"", "dumb"}:
        yield warning("shell", "the terminal shows no colours and no screen (TERM)", "`export TERM=xterm-256color`")


def _speaks(file: Path) -> bool:
    """Whether a shell's settings speak of our completion."""
    try:
        with file.open("rb") as found:
            text = found.read(LARGEST)
    except OSError:
        return False
    return b"maestro completion" in text or b"_MAESTRO_COMPLETE" in text
