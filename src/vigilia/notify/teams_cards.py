"""The two forms a card has in Microsoft Teams: Adaptive Card 1.4 in the envelope of Workflows, and MessageCard.

Teams takes neither HTML nor buttons that submit in a card that came through a webhook (msteams-docs,
`connectors-using.md`).
"""

import re
from typing import Any

from vigilia.language import tr
from vigilia.notify.cards import Card, Tone

_COLOURS = {Tone.ATTENTION: "C4314B", Tone.WARNING: "FFAA44", Tone.GOOD: "13A10E", Tone.PLAIN: "5B5FC7"}

_MARKUP = re.compile(
    r"""
    [\\*`]                        # emphasis, code, and the escape itself
    | (?<![^\W_])_ | _(?![^\W_])  # emphasis; within a word, as in INV_01, it is no markup
    | ~(?=~) | (?<=~)~            # struck through
    | \[(?=.*\]\() | \](?=\()     # a link
    | &(?=\#?\w+;) | <(?=[A-Za-z/!?])
    | (?<=\{)\{                   # {{DATE(…)}}: a function of Adaptive Cards
    | ^[\#>+-](?=\s|\#) | ^\d+[.)](?=\s)  # a heading, a quotation, a list
    """,
    re.VERBOSE,
)


def adaptive(card: Card) -> dict[str, Any]:
    """Return a card as the message that a Workflows webhook takes."""
    body: list[dict[str, Any]] = [
        {
            "type": "Container",
            "style": card.tone.value,
            "bleed": True,
            "items": [_text(card.title, size="medium", weight="bolder")],
        }
    ]
    body += [_text(line, spacing="small") for line in card.lines if line]
    if card.facts:
        facts = [{"title": escape(title), "value": escape(text)} for title, text in card.facts]
        body.append({"type": "FactSet", "facts": facts})
    if card.footer:
        body.append(_text(card.footer, size="small", isSubtle=True))
    content: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": card.title,
        "msteams": {"width": "full"},
        "body": body,
    }
    if places := _places(card):
        content["actions"] = [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in places]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def message_card(card: Card) -> dict[str, Any]:
    """Return a card in the older form, which the connectors took and Workflows still shows in part."""
    section: dict[str, Any] = {"markdown": True, "text": "\n\n".join(_escape_html(line) for line in card.lines if line)}
    if card.facts:
        section["facts"] = [{"name": _escape_html(title), "value": _escape_html(text)} for title, text in card.facts]
    sections = [section]
    if card.footer:
        sections.append({"markdown": True, "text": _escape_html(card.footer)})
    message: dict[str, Any] = {
        "@type": "MessageCard",
        "@context": "https://schema.org/extensions",
        "themeColor": _COLOURS[card.tone],
        "summary": card.title,
        "title": _escape_html(card.title),
        "sections": sections,
    }
    if places := _places(card):
        message["potentialAction"] = [
            {"@type": "OpenUri", "name": title, "targets": [{"os": "default", "uri": url}]} for title, url in places
        ]
    return message


def escape(text: str) -> str:
    """Return `text` with a backslash before all that Teams would take for markup, and before nothing else."""
    return _MARKUP.sub(_escaped, text)


def _escape_html(text: str) -> str:
    escaped = _MARKUP.sub(lambda found: found.group() if found.group() in "&<" else _escaped(found), text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped(found: re.Match[str]) -> str:
    markup = found.group()
    return f"{markup[:-1]}\\{markup[-1]}"


def _places(card: Card) -> list[tuple[str, str]]:
    """Return where a card leads: what the button says, and the address."""
    return [(title, url) for title, url in ((tr("Open the chart"), card.chart), (tr("Open Vigilia"), card.link)) if url]


def _text(text: str, **more: object) -> dict[str, Any]:
    return {"type": "TextBlock", "text": escape(text), "wrap": True, **more}
