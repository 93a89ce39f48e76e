"""The operator's own texts: Markdown per language, shipped with good defaults, replaced by a folder's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core import languages
from app.core.errors import NotFoundError
from config import Config, settings

SHIPPED: Final = Path(__file__).with_suffix("")
NAMES: Final = ("safety", "privacy", "contact", "tor")


@dataclass(frozen=True)
class Text:
    """A text with its title, in the language it was found in."""

    language: str
    title: str
    body: str


def find(name: str, language: str, config: Config) -> Text:
    """The text ``name`` in ``language``, else in the site's first language that has it; the operator's own
    comes first. Words in braces are filled from the settings.

    Raises NotFoundError for a name that no folder has.
    """
    folders = [Path(config.texts)] if config.texts else []
    for code in (language, *config.locales, "en"):
        for folder in (*folders, SHIPPED):
            file = folder / f"{name}.{code}.md"
            if file.is_file():
                return _read(file, code, config)
    raise NotFoundError(f"no text {name}")


def _read(file: Path, language: str, config: Config) -> Text:
    source = _fitting(file.read_text("utf-8"), config)
    for word, value in _words(language, config).items():
        source = source.replace("{" + word + "}", value)
    first, _, rest = source.strip().partition("\n")
    return Text(language=language, title=first.lstrip("# ").strip(), body=rest.strip())


def _fitting(source: str, config: Config) -> str:
    """Keep a paragraph that begins with ``?onion`` only where there is an onion address, ``?!onion`` only where
    there is none."""
    kept = "?onion " if config.onion_url else "?!onion "
    paragraphs = source.split("\n\n")
    return "\n\n".join(
        paragraph.removeprefix(kept)
        for paragraph in paragraphs
        if not paragraph.startswith(("?onion ", "?!onion ")) or paragraph.startswith(kept)
    )


def _words(language: str, config: Config) -> dict[str, str]:
    """What a text may name: the organisation, addresses, and each retention period of the settings (C16)."""
    words = {
        "organisation": config.organisation_name(language),
        "address": config.contact_address or config.mail_from,
        "sender": config.confirmation_sender,
        "onion": config.onion_url,
        "site": config.base_url,
        "language": language,
    }
    for spec in settings():
        if spec.metadata["shown"]:
            words[spec.name] = languages.digits(getattr(config, spec.name), language)
    return words
