"""Texts for people, in their language: gettext catalogues, Portuguese of Brazil by default.

The English text is the key. `use(language)` is called once at start; `tr` translates from then on.
"""

import gettext
from pathlib import Path

LANGUAGES = ("pt-BR", "en")
_CATALOGUES = Path(__file__).with_name("locale")

_catalogue: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"


def use(language: str) -> None:
    """Translate into `language`, one of LANGUAGES, from now on."""
    global _catalogue, _language  # noqa: PLW0603 - one program speaks one language
    _language = language
    if language == "en":
        _catalogue = gettext.NullTranslations()
    else:
        _catalogue = gettext.translation("vigilia", _CATALOGUES, [language.replace("-", "_")])


def language() -> str:
    """Return the language in use, one of LANGUAGES."""
    return _language


def tr(text: str) -> str:
    """Return `text`, which is English, in the language in use."""
    return _catalogue.gettext(text)
