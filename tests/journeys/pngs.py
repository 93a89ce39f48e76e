"""PNG files made small: what a browser drew, in at most 256 colours [ISO/IEC 15948].

Pictures of plain pages have few colours; the soft edges of letters are what makes them large. So nearly equal
colours become one, the rarest ones the nearest that is left.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
COLOURS: Final = 256
COARSE: Final = bytes(value & 0xF8 for value in range(256))


def small(png: bytes) -> bytes:
    """The same picture with a palette. Takes 8-bit RGB or RGBA without interlacing, as browsers write it.

    Raises ValueError for any other kind.
    """
    width, height, depth, kind, interlaced = _header(png)
    if depth != 8 or kind not in (2, 6) or interlaced:
        raise ValueError("only 8-bit RGB or RGBA without interlacing")
    size = 3 if kind == 2 else 4
    data = zlib.decompress(b"".join(body for name, body in _chunks(png) if name == b"IDAT"))
    rows = list(_rows(data, width * size, height, size))
    pixels = [[row[at : at + 3] for at in range(0, len(row), size)] for row in rows]
    palette, places = _palette(Counter(pixel for row in pixels for pixel in row))
    packed = b"".join(b"\0" + bytes([places[pixel] for pixel in row]) for row in pixels)
    return SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(palette)),
            _chunk(b"IDAT", zlib.compress(packed, 9)),
            _chunk(b"IEND", b""),
        )
    )


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height."""
    return _header(png)[:2]


def _header(png: bytes) -> tuple[int, int, int, int, int]:
    if not png.startswith(SIGNATURE):
        raise ValueError("not a PNG file")
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    return width, height, depth, kind, interlaced


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _rows(data: bytes, length: int, height: int, size: int) -> Iterator[bytes]:
    """The rows with their filters undone (ISO/IEC 15948, 9.2)."""
    above = bytes(length)
    for number in range(height):
        start = number * (length + 1)
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + length])
        if kind == 1:
            for at in range(size, length):
                row[at] = (row[at] + row[at - size]) & 255
        elif kind == 2:
            row = bytearray((one + two) & 255 for one, two in zip(row, above, strict=True))
        elif kind == 3:
            for at in range(length):
                left = row[at - size] if at >= size else 0
                row[at] = (row[at] + (left + above[at]) // 2) & 255
        elif kind == 4:
            for at in range(length):
                left, corner = (row[at - size], above[at - size]) if at >= size else (0, 0)
                row[at] = (row[at] + _paeth(left, above[at], corner)) & 255
        above = bytes(row)
        yield above


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    to_left, to_above, to_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    if to_left <= to_above and to_left <= to_corner:
        return left
    return above if to_above <= to_corner else corner


def _palette(counted: Counter[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    """At most 256 colours, and which of them stands for each colour of the picture."""
    best: dict[bytes, bytes] = {}
    weight: Counter[bytes] = Counter()
    for colour, times in counted.most_common():
        coarse = colour.translate(COARSE)
        best.setdefault(coarse, colour)
        weight[coarse] += times
    kept = [coarse for coarse, _ in weight.most_common(COLOURS)]
    palette = [best[coarse] for coarse in kept]
    of_coarse = {coarse: place for place, coarse in enumerate(kept)}
    for coarse in weight:
        if coarse not in of_coarse:
            of_coarse[coarse] = min(
                range(len(palette)), key=lambda place: _distance(palette[place], coarse)
            )
    return palette, {colour: of_coarse[colour.translate(COARSE)] for colour in counted}


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
