"""What a person sees of a PDF: its pages' words, and its pages as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2
from PIL import Image


@contextmanager
def opened(content: bytes) -> Iterator[Any]:
    document = pypdfium2.PdfDocument(content)
    try:
        yield document
    finally:
        document.close()


def words(content: bytes) -> list[str]:
    """The text of each page, with its white space as single spaces."""
    pages = []
    with opened(content) as document:
        for page in document:
            text = page.get_textpage()
            pages.append(" ".join(text.get_text_range().split()))
            text.close()
            page.close()
    return pages


def properties(content: bytes) -> dict[str, str]:
    """What the file says of itself, without what is empty."""
    with opened(content) as document:
        return {name: text for name, text in document.get_metadata_dict().items() if text}


def images(content: bytes) -> list[tuple[int, int]]:
    """The size in pixels of each picture that is set into the pages."""
    found: list[tuple[int, int]] = []
    with opened(content) as document:
        for page in document:
            set_in = page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
            found.extend(tuple(thing.get_px_size()) for thing in set_in)
            page.close()
    return found


def picture(content: bytes, *, scale: float, number: int = 0) -> Image.Image:
    """One page drawn in grey, ``scale`` pixels to a point."""
    with opened(content) as document:
        page = document[number]
        drawn: Image.Image = page.render(scale=scale).to_pil().convert("L")
        page.close()
    return drawn


def sizes(content: bytes) -> list[tuple[int, int]]:
    """Each page's width and height in whole points."""
    found = []
    with opened(content) as document:
        for page in document:
            found.append((round(page.get_width()), round(page.get_height())))
            page.close()
    return found
