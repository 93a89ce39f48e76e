"""An uploaded picture is drawn anew: only pixels survive, and what is too much is refused before it is decoded."""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
import tracemalloc

import pytest
from PIL import Image, ImageCms, ImageFile

from app.core.errors import InvalidError
from app.petitions import redrawing
from app.petitions.redrawing import (
    LIGHT,
    LONGEST_SIDE,
    LONGEST_SIDE_OF_LOGO,
    MOST_OCTETS,
    MOST_SCANS,
    TOO_LARGE,
    TOO_MANY_PIXELS,
    TOO_NARROW,
    TOO_SMALL,
    UNREADABLE,
)
from tests.petitions import drawings
from tests.petitions.drawings import CANARY, image, written

KINDS = ("JPEG", "PNG", "WEBP")
PIXELS = {"VP8", "VP8L", "VP8X", "ALPH"}


def refused(uploaded: bytes) -> str:
    with pytest.raises(InvalidError) as error:
        redrawing.picture(uploaded)
    assert error.value.field == "picture"
    return str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_C23_nothing_but_pixels_comes_out(kind: str) -> None:
    # given a picture with place, owner, comments, text, and a script and an archive behind its end
    uploaded = drawings.with_notes(kind)
    assert uploaded.count(CANARY) >= 4

    # when it is drawn anew
    for drawn in (redrawing.picture(uploaded), redrawing.logo(uploaded)):
        # then nothing of that is in the file
        assert CANARY not in drawn.octets
        assert b"script" not in drawn.octets
        assert set(drawings.chunks(drawn.octets)) <= PIXELS
        found = drawings.opened(drawn.octets)
        assert not found.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(found.info)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("turn", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (-1, 0)), (8, (0, -1))]
)
def test_it_stands_as_the_camera_was_held(kind: str, turn: int, corner: tuple[int, int]) -> None:
    drawn = redrawing.picture(drawings.with_notes(kind, orientation=turn))
    found = drawings.opened(drawn.octets).convert("RGB")
    assert found.size == ((320, 480) if turn in (6, 8) else (480, 320))
    assert (drawn.width, drawn.height) == found.size
    at = [side - 4 if end else 4 for side, end in zip(found.size, corner, strict=True)]
    red, _green, blue = found.getpixel(at)  # type: ignore[misc]
    assert red > 200 > 60 > blue, "the amber brick"


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_one_is_scaled_down_and_light(kind: str) -> None:
    uploaded = written(
        Image.effect_mandelbrot((4000, 3000), (-2, -1.5, 1, 1.5), 90).convert("RGB"), kind
    )
    drawn = redrawing.picture(uploaded)
    assert (drawn.width, drawn.height) == (LONGEST_SIDE, 1200)
    assert len(drawn.octets) <= LIGHT
    assert redrawing.logo(uploaded).width == LONGEST_SIDE_OF_LOGO


def test_a_small_one_is_not_blown_up() -> None:
    drawn = redrawing.picture(written(image(300, 250)))
    assert (drawn.width, drawn.height) == (300, 250)


def test_what_is_clear_stays_clear_in_a_logo_and_is_white_in_a_picture() -> None:
    clear = image(300, 200, "RGBA", (0, 0, 0, 0))
    for uploaded in (written(clear), written(clear.convert("P")), written(clear, "WEBP")):
        logo = drawings.opened(redrawing.logo(uploaded).octets)
        assert logo.mode == "RGBA"
        assert logo.getpixel((290, 190)) == (0, 0, 0, 0)
        picture = drawings.opened(redrawing.picture(uploaded).octets)
        assert picture.mode == "RGB"
        assert min(picture.getpixel((290, 190))) > 250  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK", "YCbCr"])
def test_every_way_to_write_pixels_can_be_read(mode: str) -> None:
    grey = Image.linear_gradient("L").resize((300, 300))
    if mode.startswith("I"):
        made = grey.convert("I").point(lambda value: value * 257).convert(mode)
    else:
        made = grey.convert("RGB").convert(mode) if mode != "LA" else grey.convert("LA")
    drawn = redrawing.picture(written(made, "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"))
    found = drawings.opened(drawn.octets).convert("L")
    assert found.getpixel((150, 2)) < 30  # type: ignore[operator]
    assert found.getpixel((150, 297)) > 225  # type: ignore[operator]


def test_of_several_frames_the_first_is_taken() -> None:
    first, second = image(colour="teal"), image(colour="white")
    for kind in ("PNG", "WEBP"):
        uploaded = written(first, kind, save_all=True, append_images=[second])
        found = drawings.opened(redrawing.picture(uploaded).octets)
        assert getattr(found, "n_frames", 1) == 1
        assert found.getpixel((400, 300))[0] < 40  # type: ignore[index]


def test_colours_of_another_space_become_those_that_everyone_assumes() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = redrawing.picture(written(image()))
    assert redrawing.picture(written(image(), icc_profile=profile)).width == plain.width
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for broken in (srgb, b"no profile at all", srgb[:100]):
        drawn = redrawing.picture(written(image(), icc_profile=broken))
        found, wanted = drawings.opened(drawn.octets), drawings.opened(plain.octets)
        near = zip(found.getpixel((300, 200)), wanted.getpixel((300, 200)), strict=True)  # type: ignore[arg-type]
        assert all(abs(one - other) < 4 for one, other in near)


@pytest.mark.parametrize(
    ("uploaded", "why"),
    [
        (b"", UNREADABLE),
        (b"\xff\xd8\xff", UNREADABLE),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", UNREADABLE),
        (b"%PDF-1.7", UNREADABLE),
        (b"GIF89a<script>alert(1)</script>", UNREADABLE),
        (written(image(), "GIF"), UNREADABLE),
        (written(image(), "BMP"), UNREADABLE),
        (written(image(), "TIFF"), UNREADABLE),
        (written(drawings.noise(400, 300))[:9000], UNREADABLE),
        (written(drawings.noise(400, 300), "JPEG")[:9000], UNREADABLE),
        (written(drawings.noise(400, 300), "WEBP")[:9000], UNREADABLE),
        (written(image(60, 60)), TOO_SMALL),
        (written(image(1400, 300)), TOO_NARROW),
        (written(Image.new("1", (5000, 4000))), TOO_MANY_PIXELS),
        (written(image()) + bytes(MOST_OCTETS), TOO_LARGE),
    ],
)
def test_R06_what_cannot_be_taken_is_named(uploaded: bytes, why: str) -> None:
    assert refused(uploaded) == why


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_file_is_refused_where_documents_are_set_too(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it
    assert refused(written(drawings.noise(400, 300), kind)[:9000]) == UNREADABLE


@pytest.mark.parametrize(
    "uploaded",
    [
        drawings.bomb(),
        drawings.bomb(9_500, 9_500),
        drawings.bomb(2**31 - 1, 2**31 - 1),
        written(Image.new("1", (16_000, 10_000))),
        # a WebP whose canvas is 16,777,216 pixels each way
        b"RIFF\x4a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff" * 6,
    ],
)
def test_a_bomb_is_refused_fast_and_in_little_memory(uploaded: bytes) -> None:
    tracemalloc.start()
    began = time.perf_counter()
    assert refused(uploaded) in (TOO_MANY_PIXELS, UNREADABLE)
    taken = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 0.5
    assert peak < 20_000_000


def test_a_jpeg_of_endless_scans_is_refused_undecoded() -> None:
    progressive = written(image(), "JPEG", progressive=True)
    assert redrawing.picture(progressive).width == 480
    scan = progressive[progressive.rindex(redrawing.SCAN) : -2]
    endless = progressive[:-2] + scan * (MOST_SCANS + 1) + progressive[-2:]
    began = time.perf_counter()
    assert refused(endless) == UNREADABLE
    assert time.perf_counter() - began < 0.1


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_R06_a_damaged_file_is_drawn_or_refused_and_nothing_else(kind: str) -> None:
    chance = random.Random(20261125)
    whole = drawings.with_notes(kind)
    for _round in range(300):
        spoiled = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            spoiled[chance.randrange(len(spoiled) // chance.choice((1, 1, 8)))] = chance.randrange(
                256
            )
        half = chance.choice((len(spoiled), len(spoiled) // 2))
        with contextlib.suppress(InvalidError):
            drawn = redrawing.picture(bytes(spoiled[:half]))
            assert set(drawings.chunks(drawn.octets)) <= PIXELS


def test_the_digest_is_of_what_is_kept() -> None:
    drawn = redrawing.picture(written(image()))
    assert drawn.digest == hashlib.sha256(drawn.octets).hexdigest()
    assert "octets" not in repr(drawn)
