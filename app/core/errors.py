"""The tree of errors that verbs raise; ``app.web.errors`` maps each to a status and a page.

PeyvandError
 ├─ NotFoundError       what was asked for is not there, or not to be seen
 ├─ StaleError          the state moved on: another click, another person or a closed door came first
 ├─ InvalidError        what was typed cannot be taken; carries the field's name
 └─ MisplacedBoxError   a sealed box stands in a row, column or kind that it was not sealed for (C03)
"""


class PeyvandError(Exception):
    """Any error the service itself raises; its text never holds personal data (C23)."""


class NotFoundError(PeyvandError):
    """What was asked for is not there, or not for this reader."""


class StaleError(PeyvandError):
    """The row was no longer in the state that this step starts from."""


class InvalidError(PeyvandError):
    """A value that cannot be taken; ``field`` names it, the text says what to do."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class MisplacedBoxError(PeyvandError):
    """A box that does not open as the kind and record it stands in: forged, moved or damaged (C03)."""
