"""Teams cards as text: what a person would read of an Adaptive Card in its envelope, or of a MessageCard."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

_ADAPTIVE = "application/vnd.microsoft.card.adaptive"
_DEEPEST = 20
# Where elements of Adaptive Cards 1.4 hold others, and where they hold texts of their own.
_HOLD = ("body", "items", "columns", "rows", "cells", "card", "inlines")
_SAY = ("text", "altText", "fallbackText")


@dataclass(frozen=True, slots=True)
class CardText:
    """A card in plain text. `links`: its buttons, as (title, address); `problem`: why Teams would show nothing."""

    format: Literal["adaptive", "messagecard", "unknown"]
    title: str
    lines: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


class NoCardError(ValueError):
    """A body is not JSON, or no JSON object."""


def read_card(body: bytes) -> CardText:
    """Return the text of a card; raises NoCardError."""
    try:
        given: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoCardError(f"the body is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise NoCardError("the body is no JSON object")
    card = cast("dict[str, Any]", given)
    if "MessageCard" in (card.get("@type"), card.get("type")):
        return _message_card(card)
    return _envelope(card)


def _envelope(envelope: dict[str, Any]) -> CardText:
    attachments = _list(envelope.get("attachments"))
    if envelope.get("type") != "message" or not attachments:
        # The flow takes it, and fails later with "foreach … is of type Null".
        return CardText("unknown", "", problem="no envelope: type is not message, or attachments are missing")
    attachment = _dict(attachments[0])
    content = _dict(attachment.get("content"))
    if attachment.get("contentType") != _ADAPTIVE or content.get("type") != "AdaptiveCard":
        return CardText("unknown", "", problem=f"the attachment is no Adaptive Card ({attachment.get('contentType')})")
    texts = [line for text in _texts(content, 0) for line in text.splitlines() if line.strip()]
    links = tuple(_links(content, 0))
    problem = None if texts else "the card has no text"
    if "Action.Submit" in json.dumps(content):
        problem = "the card has an Action.Submit, which webhooks do not carry"
    return CardText("adaptive", texts[0].strip() if texts else "", tuple(texts[1:]), links, problem)


def _texts(element: dict[str, Any], depth: int) -> Iterator[str]:
    """Every text below an element of an Adaptive Card, in the order in which it is shown."""
    if depth > _DEEPEST or element.get("isVisible") is False:
        return
    for name in _SAY[:1] if "text" in element else _SAY[1:]:
        if isinstance(element.get(name), str):
            yield element[name]
    for fact in _list(element.get("facts")):
        yield f"{_dict(fact).get('title', '')}: {_dict(fact).get('value', '')}"
    for name in _HOLD:
        held = element.get(name)
        for part in _list(held) if not isinstance(held, dict) else [cast("object", held)]:
            if isinstance(part, str):
                yield part
            else:
                yield from _texts(_dict(part), depth + 1)


def _links(element: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    for action in _list(element.get("actions")):
        if isinstance(_dict(action).get("url"), str):
            yield str(_dict(action).get("title", "")), _dict(action)["url"]
    for name in _HOLD:
        for part in _list(element.get(name)):
            yield from _links(_dict(part), depth + 1)


def _message_card(card: dict[str, Any]) -> CardText:
    texts = [text for name in ("title", "text") if (text := _text(card, name))]
    if not texts and not card.get("sections") and not card.get("summary"):
        return CardText("messagecard", "", problem="Summary or Text is required.")
    for section in map(_dict, _list(card.get("sections"))):
        for name in ("title", "activityTitle", "activitySubtitle", "activityText", "text"):
            texts += [text] if (text := _text(section, name)) else []
        texts += [
            f"{_dict(fact).get('name', '')}: {_dict(fact).get('value', '')}" for fact in _list(section.get("facts"))
        ]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    if not _text(card, "title"):
        lines.insert(0, _text(card, "summary"))
    links = [
        (str(action.get("name", "")), str(_dict(target).get("uri", "")))
        for action in map(_dict, _list(card.get("potentialAction")))
        for target in _list(action.get("targets"))
    ]
    return CardText("messagecard", lines[0].strip() if lines else "", tuple(lines[1:]), tuple(links))


def _text(element: dict[str, Any], name: str) -> str:
    value = element.get(name)
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
