"""Pictures as people upload them, kind and hostile, and a look into the files that came out."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Iterator

from PIL import Image
from PIL.PngImagePlugin import PngInfo

CANARY = b"canary-Leila-35.6892N-51.3890E"
"""Stands wherever a camera or a program could note something."""
ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F


def image(
    width: int = 480,
    height: int = 320,
    mode: str = "RGB",
    colour: str | tuple[int, ...] | int = "teal",
) -> Image.Image:
    """One colour, with an amber brick in its upper left corner to tell up from down."""
    made = Image.new(mode, (width, height), colour)
    if mode in ("RGB", "RGBA"):
        made.paste("orange", (0, 0, width // 4, height // 4))
    return made


def written(made: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    file = io.BytesIO()
    made.save(file, kind, **more)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    """What compresses worst."""
    return Image.frombytes("RGB", (width, height), random.Random(7).randbytes(width * height * 3))


def noted(orientation: int = 1) -> Image.Exif:
    """What a phone notes: which way up, who made it, and where."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKER] = CANARY.decode()
    exif.get_ifd(GPS)[29] = CANARY.decode()
    exif.get_ifd(GPS)[2] = (35.0, 41.0, 21.0)
    return exif


def with_notes(kind: str, orientation: int = 1) -> bytes:
    """A picture with everything that a file of this kind can hold beside its pixels, and more behind its end."""
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + CANARY + b"</x:xmpmeta>"
    more: dict[str, object] = {"exif": noted(orientation)}
    if kind == "PNG":
        text = PngInfo()
        text.add_text("Author", CANARY.decode())
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        more["pnginfo"] = text
    elif kind == "JPEG":
        more |= {"comment": CANARY, "xmp": xmp}
    else:
        more["xmp"] = xmp
    tail = b"<script>alert('" + CANARY + b"')</script>PK\x03\x04<?php" + CANARY
    return written(image(), kind, **more) + tail


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few octets whose header promises a wall that no memory holds."""
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\x00\x00\x00"
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b"")]
    file = b"\x89PNG\r\n\x1a\n"
    for name, content in parts:
        check = zlib.crc32(name + content).to_bytes(4)
        file += len(content).to_bytes(4) + name + content + check
    return file


def opened(octets: bytes) -> Image.Image:
    return Image.open(io.BytesIO(octets), formats=("WEBP",))


def chunks(octets: bytes) -> Iterator[str]:
    """The parts of a WebP file, and "tail" where something stands behind its end (RFC 9649, 2.3)."""
    assert octets[:4] == b"RIFF"
    assert octets[8:12] == b"WEBP"
    end = 8 + int.from_bytes(octets[4:8], "little")
    place = 12
    while place < end:
        yield octets[place : place + 4].decode().strip()
        size = int.from_bytes(octets[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    if place != len(octets):
        yield "tail"
