"""Letters to test with, in the words a reader would see."""

from __future__ import annotations

from emails.newsletter import Edition, Passage, render_newsletter
from emails.render import Picture, Rendered, render

PERSIAN = {
    "Please confirm your request: %(number)s": "درخواست‌تان را تأیید کنید: %(number)s",
    "Someone wrote this address on our page. If it was you, open this link and press the button "
    "you find there:": "کسی این نشانی را در صفحهٔ ما نوشته است. اگر خودتان بودید، این پیوند را باز "
    "کنید و دکمه‌ای را که آنجاست بزنید:",
    "Open the page": "صفحه را باز کنید",
    "Or type this code on the page where you wrote your address:": "یا این کد را در همان صفحه‌ای "
    "بنویسید که نشانی‌تان را در آن نوشتید:",
    "The code is good for an hour; the link lasts longer.": "کد یک ساعت کار می‌کند؛ پیوند بیشتر "
    "می‌ماند.",
    "The page shows the number %(number)s, as this mail does. If it shows another, this mail "
    "belongs to another request.": "صفحه هم مثل این ایمیل شمارهٔ %(number)s را نشان می‌دهد. اگر "
    "شمارهٔ دیگری می‌بینید، این ایمیل مال درخواست دیگری است.",
    "If it was not you, ignore this mail: nothing happens, and what was written is erased.": "اگر "
    "خودتان نبودید، این ایمیل را نادیده بگیرید: هیچ اتفاقی نمی‌افتد و آنچه نوشته شده پاک می‌شود.",
    "Never write to me again": "دیگر هرگز به من ننویسید",
    "%(organisation)s invites you to its newsletter": "%(organisation)s شما را به خبرنامه‌اش دعوت "
    "می‌کند",
    "%(inviter)s of %(organisation)s invites you to receive our newsletter.": "%(inviter)s از "
    "%(organisation)s شما را دعوت می‌کند که خبرنامهٔ ما را بگیرید.",
    "Why we write to you:": "چرا برایتان می‌نویسیم:",
    "Nothing is sent until you agree. To see what you would receive and to agree, open this "
    "link:": "تا شما نخواهید چیزی نمی‌فرستیم. برای دیدن آنچه به دستتان می‌رسد و برای پذیرفتن آن، "
    "این پیوند را باز کنید:",
    "See the invitation": "دعوت را ببینید",
    "Every newsletter has a link that ends it at once.": "در هر خبرنامه پیوندی هست که با آن "
    "می‌توانید همان لحظه اشتراک را لغو کنید.",
    "If you do not want this, ignore this letter: no newsletter will come.": "اگر نمی‌خواهید، این "
    "نامه را نادیده بگیرید: خبرنامه‌ای نمی‌آید.",
    "You receive this newsletter of %(organisation)s because you asked for it. It holds no image "
    "from elsewhere and nothing that tracks you.": "این خبرنامهٔ %(organisation)s را چون خودتان "
    "خواسته بودید گرفته‌اید. در آن هیچ تصویری از جای دیگر نیست و هیچ چیز شما را ردیابی نمی‌کند.",
    "Unsubscribe": "لغو اشتراک",
    "Languages and choices": "زبان‌ها و انتخاب‌ها",
    "Read on the web": "خواندن در وب",
    "What we keep, and for how long": "چه نگه می‌داریم و تا کی",
}


def gettext(language: str, msgid: str) -> str:
    """A catalogue of one language; a missing Persian text is an error here."""
    return PERSIAN[msgid] if language == "fa" else msgid


def a_confirmation(*languages: str) -> Rendered:
    return render("confirmation", languages=languages or ("fa",), context={}, gettext=gettext)


def an_invitation(
    *languages: str, organisation: str = "Iran Labour Confederation – Abroad", reason: str = ""
) -> Rendered:
    return render(
        "invitation",
        languages=languages or ("en",),
        context={
            "organisation": organisation,
            "inviter": "Leila M.",
            "reason": reason or "your union stood with the teachers at the congress in Geneva.",
        },
        gettext=gettext,
    )


def edition_fa(**changes: object) -> Edition:
    passages = (
        Passage(
            "text",
            "نفت پیمانی: یک خواست در چند پالایشگاه",
            "<p>کارگران پیمانی صنعت نفت بار دیگر دست از کار کشیده‌اند. خواست آنان روشن است: حذف "
            "پیمانکاران، قرارداد مستقیم، بیست روز کار و ده روز مرخصی، و خوابگاه‌هایی که بشود در آن "
            "زندگی کرد.</p><p>پیمانکار واسطه‌ای است که مزد را نصف می‌کند و مسئولیت را به گردن "
            "نمی‌گیرد. برای همین، این خواست با چند درصد افزایش مزد فراموش نمی‌شود.</p>",
            "کارگران پیمانی صنعت نفت بار دیگر دست از کار کشیده‌اند.",
            "امضای کارزار نفت",
            "https://peyvand.example/fa/p/oil",
        ),
        Passage(
            "text",
            "یکشنبه‌های بازنشستگان",
            "<p>بازنشستگان تأمین اجتماعی هر یکشنبه در چند شهر گرد هم می‌آیند. شعارشان همان است که "
            "بود: «معیشت، منزلت، حق مسلم ماست.»</p>",
            "بازنشستگان تأمین اجتماعی هر یکشنبه در چند شهر گرد هم می‌آیند.",
        ),
        Passage(
            "quote",
            "یک پرستار، تهران",
            "<p>کمبود نیرو را نمی‌توان با شیفت‌های پیاپی جبران کرد.</p>",
            "کمبود نیرو را نمی‌توان با شیفت‌های پیاپی جبران کرد.",
        ),
        Passage(
            "petition",
            "آموزگاران زندانی را آزاد کنید",
            "<p>عضویت در اتحادیه جرم نیست.</p>",
            "عضویت در اتحادیه جرم نیست.",
            "کارزار را امضا کنید",
            "https://peyvand.example/fa/p/teachers",
        ),
    )
    return _edition(
        Edition(
            "پیوند",
            "شمارهٔ ۳۷ · ۳ آذر ۱۴۰۵",
            "fa",
            "نفت پیمانی: یک خواست در چند پالایشگاه",
            "حذف پیمانکار، قرارداد مستقیم، بیست روز کار و ده روز مرخصی",
            passages,
        ),
        changes,
    )


def edition_en(**changes: object) -> Edition:
    passages = (
        Passage(
            "text",
            "Oil contract workers: one demand across several refineries",
            "<p>Contract workers in the oil industry have downed tools again. Their demand is "
            "plain: no more contractors, direct employment, twenty days on and ten days off, and "
            "dormitories fit to live in.</p><p>The contractor is a middleman who halves the wage "
            "and answers for nothing.</p>",
            "Contract workers in the oil industry have downed tools again.",
            "Sign for the oil workers",
            "https://peyvand.example/en/p/oil",
        ),
        Passage(
            "text",
            "The pensioners’ Sundays",
            "<p>Every Sunday, social-security pensioners gather in several cities. Their slogan "
            "has not changed: “Livelihood and dignity are our undeniable right.”</p>",
            "Every Sunday, social-security pensioners gather in several cities.",
        ),
        Passage(
            "quote",
            "A nurse, Tehran",
            "<p>Back-to-back shifts cannot make up for missing staff.</p>",
            "Back-to-back shifts cannot make up for missing staff.",
        ),
        Passage(
            "petition",
            "Free the imprisoned teachers",
            "<p>Membership in a union is no crime.</p>",
            "Membership in a union is no crime.",
            "Sign this petition",
            "https://peyvand.example/en/p/teachers",
        ),
    )
    return _edition(
        Edition(
            "Peyvand",
            "No. 37 · 24 Nov 2026",
            "en",
            "Oil contract workers: one demand",
            "No contractors, direct employment, twenty days on and ten off",
            passages,
        ),
        changes,
    )


def a_newsletter(*editions: Edition, pictures: tuple[Picture, ...] = ()) -> Rendered:
    return render_newsletter(
        editions or (edition_fa(),),
        organisation={
            "fa": "کنفدراسیون کار ایران – خارج از کشور",
            "en": "Iran Labour Confederation – Abroad",
            "de": "Iran Labour Confederation – Abroad",
        },
        gettext=gettext,
        pictures=pictures,
    )


def _edition(edition: Edition, changes: dict[str, object]) -> Edition:
    from dataclasses import replace

    site = f"https://peyvand.example/{edition.language}"
    edition = replace(
        edition,
        preferences_url=f"{site}/choices",
        privacy_url=f"{site}/privacy",
        web_url=f"{site}/newsletters/37",
    )
    return replace(edition, **changes)  # type: ignore[arg-type]
