"""A picture that somebody uploaded, drawn anew: what we keep holds its pixels and nothing else.

Only JPEG, PNG and WebP are opened, within limits that are looked at before a pixel is decoded; one picture at a time,
so that a process never holds two of them. Where a phone notes place, time and owner (EXIF, XMP, comments, text, what
stands behind the end), nothing of it reaches the new file. Knows neither Flask nor the database.
"""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import zlib
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageCms, ImageFile

from app.core.errors import InvalidError

MOST_OCTETS: Final = 8 * 1024 * 1024
MOST_PIXELS: Final = 16_000_000
"""More than a phone's picture has; decoded they take up to 300 MB for a moment (WebP; the others half of it)."""
FORMATS: Final = ("JPEG", "PNG", "WEBP")
JPEG: Final = b"\xff\xd8"
SCAN: Final = b"\xff\xda"
MOST_SCANS: Final = 200
"""Of a progressive JPEG, each a walk over the whole picture; cameras make ten, a file made for it 200,000. Some stand
there by chance, in a film that a phone appends."""
LONGEST_SIDE: Final = 1600
"""Pixels of a petition's picture, across or down."""
LONGEST_SIDE_OF_LOGO: Final = 400
SHORTEST_SIDE: Final = 200
SHORTEST_SIDE_OF_LOGO: Final = 16
STEEPEST: Final = 4
"""How often the shorter side may go into the longer one."""
LIGHT: Final = 250_000
"""Octets that the file should not pass: people read over Tor and by phone."""
LIGHT_LOGO: Final = 40_000
QUALITIES: Final = (82, 70, 58, 45)
"""Of WebP, tried in turn until the file is light; the last stands."""

TOO_LARGE: Final = "too large"
TOO_MANY_PIXELS: Final = "too many pixels"
TOO_SMALL: Final = "too small"
TOO_NARROW: Final = "too narrow"
UNREADABLE: Final = "unreadable"

# What Pillow's readers raise on damaged and hostile files, beside errors of their own.
_UNREADABLE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ALPHA: Final = ("RGBA", "LA", "PA", "La", "RGBa")

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Drawn:
    """A clean picture: WebP (RFC 9649), its size in pixels, and the SHA-256 that stands in its address."""

    octets: bytes = field(repr=False)
    width: int
    height: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.octets).hexdigest()


def picture(uploaded: bytes) -> Drawn:
    """A petition's picture, at most ``LONGEST_SIDE`` across and down, on white where it was clear.

    Takes up to a second or two, and waits while another one is drawn.
    Raises InvalidError (field "picture") for what is no such picture, and for one beyond the limits.
    """
    with _one_at_a_time, _open(uploaded, SHORTEST_SIDE) as opened:
        return _light(_clean(opened, LONGEST_SIDE, keep_clear=False), LIGHT)


def logo(uploaded: bytes) -> Drawn:
    """An organisation's logo, at most ``LONGEST_SIDE_OF_LOGO`` across and down; what is clear stays clear.

    Raises InvalidError as ``picture`` does.
    """
    with _one_at_a_time, _open(uploaded, SHORTEST_SIDE_OF_LOGO) as opened:
        drawn = _clean(opened, LONGEST_SIDE_OF_LOGO, keep_clear=True)
        exact = _written(drawn, lossless=True)
        return exact if len(exact.octets) <= LIGHT_LOGO else _light(drawn, LIGHT_LOGO)


def _open(uploaded: bytes, shortest: int) -> Image.Image:
    """The picture with its size known and no pixel decoded yet."""
    if len(uploaded) > MOST_OCTETS:
        raise _wrong(TOO_LARGE)
    if uploaded.startswith(JPEG) and uploaded.count(SCAN) > MOST_SCANS:
        raise _wrong(UNREADABLE)
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # WeasyPrint turns it on for the whole process
    try:
        opened = Image.open(io.BytesIO(uploaded), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _wrong(TOO_MANY_PIXELS) from None
    except _UNREADABLE:
        raise _wrong(UNREADABLE) from None
    short, long = sorted(opened.size)
    if short * long > MOST_PIXELS:
        raise _wrong(TOO_MANY_PIXELS)
    if short < shortest:
        raise _wrong(TOO_SMALL)
    if long > short * STEEPEST:
        raise _wrong(TOO_NARROW)
    return opened


def _clean(opened: Image.Image, longest: int, *, keep_clear: bool) -> Image.Image:
    """The first frame's pixels in sRGB, scaled down and turned upright, in an image that was never anything else."""
    try:
        opened.draft(
            "RGB", (longest * 2, longest * 2)
        )  # a JPEG is decoded at a fraction of its size
        clear = opened.mode in _ALPHA or "transparency" in opened.info
        scaled = _eight_bits(opened, clear=clear)
        scaled.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        upright = _turned(_in_srgb(scaled, opened.info.get("icc_profile")), opened)
        drawn = Image.new("RGBA" if clear and keep_clear else "RGB", upright.size, "white")
        drawn.paste(upright, mask=upright if clear and not keep_clear else None)
    except _UNREADABLE:
        raise _wrong(UNREADABLE) from None
    return drawn


def _eight_bits(opened: Image.Image, *, clear: bool) -> Image.Image:
    if opened.mode.startswith(
        "I"
    ):  # 16 bits of grey, which convert() would cut off instead of scaling
        opened.load()
        return opened.point(lambda value: value / 256).convert("L").convert("RGB")
    if opened.mode == "CMYK" and opened.info.get("icc_profile"):
        opened.load()
        return opened.copy()
    return opened.convert("RGBA" if clear else "RGB")


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """The image in the colours that everyone assumes; one with a broken profile is taken as it is."""
    if isinstance(profile, bytes) and profile:
        to = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            made = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode=to
            )
        except (ImageCms.PyCMSError, *_UNREADABLE):
            made = None
        if made is not None:
            return made
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")


def _turned(image: Image.Image, opened: Image.Image) -> Image.Image:
    """The image turned as its camera noted (EXIF 2.32, orientation); a note that cannot be read turns nothing."""
    try:
        noted = opened.getexif().get(_ORIENTATION)
    except _UNREADABLE:
        return image
    turn = _TURNS.get(noted) if isinstance(noted, int) else None
    return image.transpose(turn) if turn is not None else image


def _light(drawn: Image.Image, octets: int) -> Drawn:
    for quality in QUALITIES:
        made = _written(drawn, quality=quality)
        if len(made.octets) <= octets:
            break
    return made


def _written(drawn: Image.Image, *, quality: int = 80, lossless: bool = False) -> Drawn:
    file = io.BytesIO()
    drawn.save(file, "WEBP", quality=quality, lossless=lossless, method=4)
    return Drawn(file.getvalue(), drawn.width, drawn.height)


def _wrong(what: str) -> InvalidError:
    return InvalidError(what, field="picture")
