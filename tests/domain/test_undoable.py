"""What can be taken back, told for every command of the registry."""

from maestrod.domain.registry import RULES
from maestrod.domain.undo import UNDOABLE

NOT_UNDONE = {
    "it only adds; what it made is deleted by its own command": (
        "CreateProject CreateSubtask CreateTemplate CreateKey AssignTask PushItem SpawnSession"
    ),
    "what was said stays said": "Report AddDoc MoveAttempt SendMail ReadMail AckMail SurfaceMail HoldMail ExpireMail",
    "an agent acted, or was made to act, meanwhile": (
        "LaunchSession RegisterSession EditSession RecordTurn NeedInput CompleteSession StopSession RecordExit "
        "ResumeSession StartItem CompleteItem FailItem SkipItem"
    ),
    "files were made, changed or deleted, and the trash has what is lost": (
        "PlanWorktree RecordWorktree MergeWorktree RemoveWorktree RestoreWorktree SettleWorktree"
    ),
    "its own opposite takes it back": "PauseQueue ResumeQueue",
    "it is a fact about a run": "RunChecks RecordChecks",
    "a secret that was taken away must never let anybody in again": "RotateKey RevokeKey UseKey",
}


def test_every_command_can_be_taken_back_or_says_why_not() -> None:
    """Red? A new command belongs into ``UNDOABLE`` or, with its reason, into the table above."""
    said = [kind for kinds in NOT_UNDONE.values() for kind in kinds.split()]
    assert len(said) == len(set(said))
    assert {*said} | UNDOABLE == RULES.keys()
    assert UNDOABLE.isdisjoint(said)


def test_what_deletes_or_takes_away_can_be_taken_back_but_for_a_secret() -> None:
    verbs = ("Delete", "Remove", "Revoke", "Unassign", "Archive", "Reset", "Cancel")
    taking = {kind for kind in RULES if kind.startswith(verbs)}
    assert taking - UNDOABLE == {"RevokeKey", "RemoveWorktree"}
