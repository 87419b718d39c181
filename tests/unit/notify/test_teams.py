"""The Teams webhook: what is sent, and what each answer means. A real HTTP server answers."""

import json
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import adaptive_cards
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.notify.webhook import Webhook, hang, reset, status, texts_of
from vigilia.language import use
from vigilia.notify import teams
from vigilia.notify.cards import Card, Tone
from vigilia.notify.sender import NotDelivered
from vigilia.notify.teams import TeamsSender
from vigilia.notify.teams_cards import adaptive, escape, message_card
from vigilia.settings import Secret

SCHEMA = json.loads((Path(adaptive_cards.__file__).parent / "schemas" / "schema-1.4.json").read_text())
CARD = Card(
    "Falha de relé – UFV Açaí_1",
    Tone.ATTENTION,
    ("Relé R1: SOBRETENSÃO (r59A)", "Relé R2: TÉRMICO"),
    (("Capacidade", "2500 kWp"),),
    number=1042,
    site="Vigilia",
    link="https://vigilia.example/",
)


@pytest.fixture(autouse=True)
def portuguese() -> Iterator[None]:
    use("pt-BR")
    yield
    use("en")


async def send(webhook: Webhook, card: Card = CARD, form: Any = "adaptive") -> None:
    sender = TeamsSender(Secret(webhook.url), form)
    try:
        await sender.send(card)
    finally:
        await sender.close()


async def refusal(webhook: Webhook) -> NotDelivered:
    with pytest.raises(NotDelivered) as raised:
        await send(webhook)
    for secret in ("s3cr", "workflows", "127.0.0.1", "invoke"):
        assert secret not in str(raised.value)
        assert secret not in repr(raised.value.__cause__)
    return raised.value


async def test_the_envelope_and_the_url_as_it_is(webhook: Webhook) -> None:
    await send(webhook)
    ((path, body, size),) = webhook.requests
    assert webhook.url.endswith(path), "an opaque URL is sent as it was given"
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    assert attachment["content"]["version"] == "1.4"
    assert attachment["content"]["msteams"] == {"width": "full"}
    assert attachment["content"]["body"][0]["style"] == "attention"
    assert texts_of(body) == [CARD.title, *CARD.lines, "nº 1042 · Vigilia"]
    assert attachment["content"]["actions"] == [
        {"type": "Action.OpenUrl", "title": "Abrir o Vigilia", "url": "https://vigilia.example/"}
    ]
    assert size == TeamsSender(Secret(webhook.url), "adaptive").size(CARD)


async def test_the_older_form(webhook: Webhook) -> None:
    await send(webhook, form="messagecard")
    ((_, body, _),) = webhook.requests
    assert body["@type"] == "MessageCard"
    assert body["title"] == body["summary"] == CARD.title
    assert body["sections"][0]["text"] == "\n\n".join(CARD.lines)
    assert body["sections"][0]["facts"] == [{"name": "Capacidade", "value": "2500 kWp"}]
    assert body["sections"][-1]["text"] == "nº 1042 · Vigilia"
    assert body["potentialAction"][0]["@type"] == "OpenUri"


@pytest.mark.parametrize(
    ("code", "body"),
    [(200, ""), (200, "1"), (202, ""), (202, "whatever"), (200, '{"id":"08584429x","at":"2026-01-01T00:00:00.429Z"}')],
)
async def test_success(webhook: Webhook, code: int, body: str) -> None:
    webhook.always = status(code, body)
    await send(webhook)


@pytest.mark.parametrize(
    ("code", "body", "refused", "too_large"),
    [
        (
            200,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400",
            False,
            False,
        ),
        (200, "Webhook Message Delivery Failed", False, False),
        (200, "Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0", False, False),
        (200, "429", False, False),
        (201, "", False, False),
        (204, "", False, False),
        (400, "Bad payload", True, False),
        (401, "", False, False),
        (404, "", False, False),
        (413, "", True, True),
        (500, "", False, False),
        (502, "<html>", False, False),
    ],
)
async def test_failure(webhook: Webhook, code: int, body: str, refused: bool, too_large: bool) -> None:
    webhook.always = status(code, body)
    error = await refusal(webhook)
    assert (error.refused, error.too_large, error.retry_after_s) == (refused, too_large, None)
    assert f"status {code}" in str(error)


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("2.5", 2.5),
        ("0", 1.0),
        ("-5", 1.0),
        ("86400", 600.0),
        ("inf", 600.0),
        ("nan", None),
        ("", None),
        ("soon", None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 1.0),
        (formatdate(NOW + 90_000, usegmt=True), 600.0),
        ("Fri, 32 Foo 2026 99:00:00 GMT", None),
    ],
)
async def test_retry_after(webhook: Webhook, text: str, seconds: float | None) -> None:
    headers = {"Retry-After": text, "Date": formatdate(NOW, usegmt=True)}
    webhook.always = status(429, "", headers)
    assert (await refusal(webhook)).retry_after_s == seconds


async def test_a_redirect_is_not_followed(webhook: Webhook) -> None:
    webhook.always = status(307, "", {"Location": webhook.url})
    assert "not followed" in str(await refusal(webhook))
    assert len(webhook.requests) == 1


async def test_no_answer(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook.always = hang
    monkeypatch.setattr(teams, "DEADLINE_S", 0.2)
    assert "no answer within 0.2 s" in str(await refusal(webhook))
    monkeypatch.undo()
    webhook.always = reset
    assert "connection" in str(await refusal(webhook))
    webhook.url = "http://127.0.0.1:1/workflows?sig=s3cr"
    assert "refused" in str(await refusal(webhook))
    webhook.url = webhook.url.replace("http:", "https:")
    await refusal(webhook)


async def test_an_unusable_bundle_of_authorities_is_a_sentence(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    assert "REQUESTS_CA_BUNDLE" in str(await refusal(webhook))


# Cards


HOSTILE = st.text(st.sampled_from("ab1 *_[](){}#>-+.<&;~`\\\"'\n\t🔥ç–!|"), max_size=80)
CARDS = st.builds(
    Card,
    HOSTILE,
    st.sampled_from(Tone),
    st.lists(HOSTILE, max_size=5).map(tuple),
    st.lists(st.tuples(HOSTILE, HOSTILE), max_size=3).map(tuple),
    st.none() | st.integers(1, 10**9),
    HOSTILE,
    st.sampled_from(["", "https://vigilia.example/"]),
)


VALIDATOR = jsonschema.Draft6Validator(SCHEMA)


@given(CARDS)
def test_every_card_fits_the_schema(card: Card) -> None:
    content = adaptive(card)["attachments"][0]["content"]
    del content["msteams"]  # of Teams, not of Adaptive Cards
    VALIDATOR.validate(content)
    json.dumps(message_card(card))


def test_the_schema_finds_what_is_wrong() -> None:
    content = adaptive(CARD)["attachments"][0]["content"]
    del content["msteams"]
    VALIDATOR.validate(content)
    content["body"][0]["style"] = "loud"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(content)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("UFV São José (2) – 1.5 MW, INV_01-A #3", "UFV São José (2) – 1.5 MW, INV_01-A #3"),
        ("**bold** _it_", r"\*\*bold\*\* \_it\_"),
        ("[here](http://x)", r"\[here\](http://x)"),
        ("[A] plain", "[A] plain"),
        ("{{DATE(2026)}}", r"{\{DATE(2026)}}"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("# head", r"\# head"),
        ("a\\b `c` ~~d~~", r"a\\b \`c\` \~\~d\~\~"),
        ("<b>&amp; R&D", r"\<b>\&amp; R&D"),
        ("-3 kW", "-3 kW"),
    ],
)
def test_only_what_would_be_markup_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text(max_size=60))
def test_escaping_only_adds_backslashes(text: str) -> None:
    kept = iter(escape(text))
    assert all(character in kept for character in text)
    assert len(escape(text)) <= 2 * len(text)


def test_the_older_form_has_no_html() -> None:
    shown: Callable[[str], str] = lambda title: message_card(Card(title, Tone.GOOD, ()))["title"]  # noqa: E731
    assert shown("<script>&amp;") == "&lt;script&gt;&amp;amp;"
    assert shown("*R&D*") == r"\*R&amp;D\*"
