"""Keys that answer questions: in the list of those who wait, on Needs you and on Mission."""

from maestro_tui.bindings.key import Key, Panel, Place

ASKING = frozenset({Panel.INBOX})

KEYS = (
    Key(
        name="answer",
        keys="1,2,3,4,5,6,7,8,9",
        shown="1-9",
        action="answer('{key}')",
        label="answer",
        help="Give the choice of this number; with nobody asking, go to the screen of this number",
        place=Place.QUESTIONS,
        rank=1,
        panels=ASKING,
        changes=True,
    ),
    Key(
        name="answer-yes",
        keys="y",
        shown="y",
        action="answer('yes')",
        label="yes",
        help="Say yes, this once",
        place=Place.QUESTIONS,
        rank=2,
        panels=ASKING,
        changes=True,
    ),
    Key(
        name="answer-no",
        keys="n",
        shown="n",
        action="answer('no')",
        label="no",
        help="Say no",
        place=Place.QUESTIONS,
        rank=2,
        panels=ASKING,
        changes=True,
    ),
    Key(
        name="answer-in-words",
        keys="i",
        shown="i",
        action="app.message",
        label="type an answer",
        help="Answer in words of your own; its screen is read again right before they are sent",
        place=Place.QUESTIONS,
        rank=3,
        panels=ASKING,
    ),
)
