"""A letter as bytes with holes: stored once, filled once for each reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from emails.errors import HoleError
from emails.holes import Encoder, Hole, encoder_for


@dataclass(frozen=True)
class Skeleton:
    """A whole MIME message (CRLF, no line over 998 octets [RFC 5322 2.1.1]) but for its holes."""

    content: bytes
    holes: tuple[Hole, ...]
    _template: list[bytes] = field(init=False, repr=False, compare=False)
    _dots: bool = field(init=False, repr=False, compare=False)
    _filling: list[tuple[str, Encoder, list[int]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        template: list[bytes] = []
        places: dict[tuple[str, str], list[int]] = {}
        at = 0
        for hole in self.holes:
            if not at <= hole.offset <= len(self.content):
                raise HoleError("the holes are out of order, or outside the letter")
            template.append(self.content[at : hole.offset])
            places.setdefault((hole.name, hole.context), []).append(len(template))
            template.append(b"")
            at = hole.offset
        template.append(self.content[at:])
        object.__setattr__(self, "_template", template)
        # What follows a hole may begin a line, for what fills the hole may end one, or be nothing.
        dots = any(part.startswith(b".") or b"\n." in part for part in template)
        object.__setattr__(self, "_dots", dots)
        object.__setattr__(
            self,
            "_filling",
            [(name, encoder_for(context), at_) for (name, context), at_ in places.items()],
        )

    @property
    def names(self) -> frozenset[str]:
        """The values that ``fill`` asks for."""
        return frozenset(name for name, _, _ in self._filling)

    def fill(self, values: Mapping[str, str]) -> bytes:
        """The message for one reader, in one pass; values that have no hole are left aside.

        ``to`` is an address, ``message_id`` is name@domain, ``date`` is what
        ``message.date_text`` gives, links are absolute URLs, ``number`` has ASCII digits (they are
        shown in the letter's own). Raises HoleError when one is missing or does not fit.
        """
        return self.fill_for_wire(values)[0]

    def fill_for_wire(self, values: Mapping[str, str]) -> tuple[bytes, bool]:
        """As ``fill``, and whether a line may begin with a dot, which SMTP doubles [RFC 5321 4.5.2].

        To search each whole mail for one would cost more than to fill it.
        """
        parts = self._template.copy()
        dots = self._dots
        for name, encode, places in self._filling:
            value = values.get(name)
            if value is None:
                raise HoleError(f"the letter asks for {name}, and there is none")
            coded = encode(value)
            dots = dots or coded.startswith(b".") or b"\n." in coded
            for place in places:
                parts[place] = coded
        return b"".join(parts), dots

    def to_row(self) -> tuple[bytes, list[list[int | str]]]:
        """What a database keeps: the bytes, and the holes as JSON can hold them."""
        return self.content, [[hole.offset, hole.name, hole.context] for hole in self.holes]

    @classmethod
    def from_row(cls, content: bytes, holes: Sequence[Sequence[int | str]]) -> Skeleton:
        """The skeleton that ``to_row`` took apart. Raises HoleError when they do not fit."""
        return cls(
            bytes(content),
            tuple(Hole(int(offset), str(name), str(context)) for offset, name, context in holes),
        )
