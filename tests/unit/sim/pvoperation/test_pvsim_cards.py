"""Cards as text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.sim.pvoperation import NoCardError, read_card


def envelope(*body: dict[str, Any], **more: object) -> dict[str, Any]:
    """An Adaptive Card as Workflows wants it."""
    content = {"type": "AdaptiveCard", "version": "1.4", "body": [*body], **more}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def text(words: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": words}


def test_an_adaptive_card_reads_from_top_to_bottom() -> None:
    card = envelope(
        text("Falha de inversor – UFV 1"),
        {"type": "FactSet", "facts": [{"title": "Capacidade", "value": "480 kWp"}, {"title": "nº", "value": "7"}]},
        {"type": "Container", "items": [text("701: desde 10:10\n\n702: desde 10:15"), text("   ")]},
        {"type": "ColumnSet", "columns": [{"items": [text("a")]}, {"items": [text("b")]}]},
        {"type": "RichTextBlock", "inlines": ["c", {"type": "TextRun", "text": "d"}]},
        {"type": "Table", "rows": [{"cells": [{"items": [text("e")]}]}]},
        text("hidden") | {"isVisible": False},
        actions=[{"type": "Action.OpenUrl", "title": "Ver", "url": "https://vigilia.example"}],
    )
    found = read_card(json.dumps(card).encode())
    assert (found.format, found.title, found.problem) == ("adaptive", "Falha de inversor – UFV 1", None)
    assert found.lines == (
        *("Capacidade: 480 kWp", "nº: 7", "701: desde 10:10", "702: desde 10:15"),
        *("a", "b", "c", "d", "e"),
    )
    assert found.links == (("Ver", "https://vigilia.example"),)


def test_a_message_card() -> None:
    card = {
        "@type": "MessageCard",
        "summary": "s",
        "title": "Relé normalizado – UFV 1",
        "text": "um\n\ndois",
        "sections": [{"activityTitle": "t", "facts": [{"name": "Classe", "value": "TÉRMICO"}], "text": "três"}],
        "potentialAction": [{"@type": "OpenUri", "name": "Ver", "targets": [{"os": "default", "uri": "https://x"}]}],
    }
    found = read_card(json.dumps(card).encode())
    assert (found.format, found.title) == ("messagecard", "Relé normalizado – UFV 1")
    assert found.lines == ("um", "dois", "t", "três", "Classe: TÉRMICO")
    assert found.links == (("Ver", "https://x"),)
    without = read_card(b'{"@type": "MessageCard", "summary": "s", "text": "um"}')
    assert (without.title, without.lines) == ("s", ("um",))


@pytest.mark.parametrize(
    ("card", "part"),
    [
        ({}, "attachments are missing"),
        ({"type": "message"}, "attachments are missing"),
        ({"type": "AdaptiveCard", "body": [text("x")]}, "no envelope"),
        ({"type": "message", "attachments": [{"content": {}}]}, "no Adaptive Card"),
        (envelope(), "no text"),
        (envelope(text("x"), actions=[{"type": "Action.Submit"}]), "Action.Submit"),
        ({"@type": "MessageCard"}, "Summary or Text"),
    ],
)
def test_cards_that_teams_would_not_show(card: dict[str, Any], part: str) -> None:
    assert part in (read_card(json.dumps(card).encode()).problem or "")


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"5", b"[" * 100_000])
def test_what_is_no_card(body: bytes) -> None:
    with pytest.raises(NoCardError):
        read_card(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "@type", "text", "body", "facts", "items", "title", "actions", "sections"]),
            part,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["@type", "title", "text", "sections", "potentialAction"]), JSON), JSON, JSON)
def test_no_shape_is_too_strange(card: dict[str, Any], body: object, facts: object) -> None:
    read_card(json.dumps(card | {"@type": "MessageCard"}).encode())
    read_card(json.dumps(envelope({"type": "FactSet", "facts": facts}, actions=body)).encode())
    read_card(json.dumps(envelope({"items": body})).encode())
