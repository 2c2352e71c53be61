"""The scripts by which shells complete our commands, shown or put where the shell finds them."""

from collections.abc import Mapping
from pathlib import Path

from maestro_cli.call import Call
from maestro_cli.failures import Usage

BASH = """\
# Completes `maestro` in bash: source <(maestro completion bash)
_maestro() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -f -- "$2")
            return
        fi
        COMPREPLY+=("$line")
    done < <(COMP_TYPE=$COMP_TYPE command maestro __complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o nosort -F _maestro maestro 2>/dev/null || complete -F _maestro maestro
"""
ZSH = """\
#compdef maestro
# Completes `maestro` in zsh: source <(maestro completion zsh), after compinit
_maestro() {
    local line
    local -a lines found
    lines=("${(@f)$(command maestro __complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ $lines[1] == :files ]]; then
        _files
        return
    fi
    for line in $lines; do
        found+=("${${line//:/\\\\:}/$'\\t'/:}")
    done
    (( $#found )) && _describe -V 'maestro' found
}
if [[ $funcstack[1] == _maestro ]]; then _maestro "$@"; else compdef _maestro maestro; fi
"""
FISH = """\
# Completes `maestro` in fish: maestro completion fish | source
function __maestro_complete
    set -l words (commandline -opc)
    set -l now (commandline -ct)
    set -l found (command maestro __complete fish $words[2..-1] "$now" 2>/dev/null)
    if test "$found[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c maestro -e
complete -c maestro -f -a '(__maestro_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
NEXT = {
    "bash": "a new shell has it where bash-completion is; else: source {place} in ~/.bashrc",
    "zsh": "in ~/.zshrc, before compinit: fpath=({folder} $fpath)",
    "fish": "every fish has it from now on",
}


def completion(call: Call) -> int:
    """The script for a shell; or, when asked, that it is where the shell looks.

    Raises:
        Usage: the shell is not known.
    """
    shell = call.text("shell") or Path(call.context.environ.get("SHELL", "")).name
    if shell not in SCRIPTS:
        raise Usage("which shell?", hint="`maestro completion bash`, or zsh, fish.")
    if not call.flag("install"):
        call.output.result({"shell": shell, "script": SCRIPTS[shell]}, SCRIPTS[shell].rstrip("\n").split("\n"))
        return 0
    place = _place(shell, call.context.environ)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(SCRIPTS[shell], encoding="utf-8")
    then = NEXT[shell].format(place=place, folder=place.parent)
    call.output.result({"shell": shell, "place": str(place), "then": then}, [f"written to {place}", f"  {then}"])
    return 0


def _place(shell: str, environ: Mapping[str, str]) -> Path:
    """Where a user's own completions lie."""
    home = Path(environ.get("HOME") or "~").expanduser()
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    match shell:
        case "bash":
            own = environ.get("BASH_COMPLETION_USER_DIR")
            return (Path(own) if own else data / "bash-completion") / "completions" / "maestro"
        case "zsh":
            return data / "zsh" / "site-functions" / "_maestro"
        case _:
            config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
            return config / "fish" / "completions" / "maestro.fish"
