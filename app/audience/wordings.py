"""The consent sentences this release ships; ``publish_all`` makes them the current versions (C13).

They name no organisation, so that one version is true for every instance and no box has to repeat a name.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from app.audience import consents

SIGNATURE: Final = "signature"
ENDORSEMENT: Final = "endorsement"
PETITION_NEWS: Final = "petition-news"
NEWSLETTER: Final = "newsletter"

SHIPPED: Final[dict[str, dict[str, str]]] = {
    SIGNATURE: {
        "fa": "می‌پذیرم که این امضا، که دیدگاه سیاسی و صنفی مرا نشان می‌دهد، فقط برای همین کارزار نگه داشته شود.",
        "en": "I agree that this signature, which shows my political and trade-union views, is kept for this petition only.",
    },
    ENDORSEMENT: {
        "fa": "از سوی تشکلم می‌نویسم و می‌پذیرم که اعلام حمایت آن از این کارزار فقط برای همین کارزار نگه داشته شود.",
        "en": "I write for my organisation, and agree that its decision to endorse this petition is kept for this petition.",
    },
    PETITION_NEWS: {
        "fa": "خبرهای این کارزار را با ایمیل برایم بفرستید. نشانی‌ام برای همین نگه داشته می‌شود، تا وقتی که لغوش کنم.",
        "en": "Send me news of this petition by mail. My address is kept for that, until I end it.",
    },
    NEWSLETTER: {
        "fa": "خبرنامه را با ایمیل برایم بفرستید. نشانی‌ام برای همین نگه داشته می‌شود، تا وقتی که لغوش کنم.",
        "en": "Send me the newsletter by mail. My address is kept for that, until I end it.",
    },
}


def publish_all(session: Session) -> None:
    """Publish every shipped sentence; one that is already current makes no new version."""
    for purpose, texts in SHIPPED.items():
        for language, text in texts.items():
            consents.publish(session, purpose, language, text)
