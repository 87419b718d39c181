"""The catalogue: compiled as written, complete for what the program says, with the same places to fill in."""

import ast
import inspect
import io
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

import vigilia
from vigilia import language
from vigilia.agent.sensors.kinds import Step
from vigilia.drivers.aruba import mapping
from vigilia.drivers.pvoperation.records import FlagClass
from vigilia.interfaces.epics.screens.templates import Cell, Template
from vigilia.language import LANGUAGES, tr, use
from vigilia.rules import Rule

DECLARED: dict[type, tuple[str, ...]] = {
    Rule: ("title", "cleared_title", "label", "family"),
    FlagClass: ("label",),
    mapping.Measurement: ("title",),
    Step: ("instruction",),
    Template: ("heading",),
    Cell: ("title",),
}
"""What is said where it is declared and translated where it is told: the fields that hold texts."""
FOLLOWED = (
    *("title", "_DESCRIPTIONS[state]", "flags.label"),
    *("rule.title if raised else rule.cleared_title", "rule.title", "rule.label"),
    *("family", "label", "incident.label", "step.instruction", "template.heading", "cell.title"),
)
"""What is translated by a name, and is among the texts all the same."""
SERVICE = {"Monitor: state could not be saved", "Monitor: state is saved again"}
"""Titles of the service's own notices."""
SOURCE = Path(vigilia.__file__).parent
FOLDER = SOURCE / "locale" / "pt_BR" / "LC_MESSAGES"


@pytest.fixture
def catalogue() -> Catalog:
    with (FOLDER / "vigilia.po").open("rb") as file:
        return read_po(file, locale="pt_BR", abort_invalid=True)


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use("en")


def texts_of_the_program() -> dict[str, str]:
    """Every text that goes through `tr`, with the place where it stands."""
    texts: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for text in (*_translated(path, node), *_declared(path, node)):
                    texts[text] = f"{path.relative_to(SOURCE)}:{node.lineno}"
            elif isinstance(node, ast.Tuple) and path.name == "ownpoints.py":
                # The gauges: suffix, kind, title, units, and how to find the value.
                parts = node.elts
                if len(parts) == 5 and isinstance(parts[1], ast.Attribute) and isinstance(parts[2], ast.Constant):
                    texts[str(parts[2].value)] = f"{path.name}:{node.lineno}"
    texts |= dict.fromkeys(mapping._DESCRIPTIONS, "mapping")  # noqa: SLF001 - what is translated by its index
    for kind, names in DECLARED.items():
        defaults = [inspect.signature(kind).parameters[name].default for name in names]
        texts |= {text: kind.__name__ for text in defaults if isinstance(text, str) and text}
    texts |= dict.fromkeys(SERVICE, "the service")
    return texts


def _declared(path: Path, call: ast.Call) -> Iterator[str]:
    """The literal texts of a declaration, given by name or by position."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    kind = next((kind for kind in DECLARED if kind.__name__ == name), None)
    if kind is None:
        return
    by_position = zip(inspect.signature(kind).parameters, call.args, strict=False)
    given = {**dict(by_position), **{keyword.arg: keyword.value for keyword in call.keywords}}
    for field in DECLARED[kind]:
        value = given.get(field)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            if value.value:
                yield value.value
        elif value is not None:
            assert ast.unparse(value) in FOLLOWED, (
                f"{path.name}:{call.lineno}: {field}={ast.unparse(value)} is not followed by this test"
            )


def _translated(path: Path, call: ast.Call) -> Iterator[str]:
    """The literal texts that a call has translated: `tr` itself, or the `point` helpers, which take a title."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    arguments = {"tr": call.args[:1], "point": call.args[2:3]}.get(name, [])
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
        elif name == "tr":
            assert ast.unparse(argument) in FOLLOWED, (
                f"{path.name}:{call.lineno}: tr({ast.unparse(argument)}) is not followed by this test"
            )


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_compiled_catalogue_is_the_written_one(catalogue: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    written = read_mo(io.BytesIO(compiled.getvalue()))
    with (FOLDER / "vigilia.mo").open("rb") as file:
        committed = read_mo(file)
    assert {m.id: m.string for m in committed if m.id} == {m.id: m.string for m in written if m.id}


def test_the_extraction_finds_what_there_is() -> None:
    texts = texts_of_the_program()
    for known in (
        "Another instance is running: PID {pid} holds {data_dir}",
        "PoE choice",
        "PoE voltage",
        "Contact",
        "Writes waiting",
        "The switch is testing the port.",
        "Alarm back to normal",
        "PoE fault",
        "Switches without contact",
        "Relay failure",
        "PVOperation API restored",
        "LOCKOUT",
        "Weekly report",
    ):
        assert known in texts


def test_every_text_has_its_portuguese(catalogue: Catalog) -> None:
    known = {message.id for message in catalogue if message.id and message.string}
    missing = {text: place for text, place in texts_of_the_program().items() if text not in known}
    assert not missing


def test_the_catalogue_holds_nothing_else(catalogue: Catalog) -> None:
    assert {message.id for message in catalogue if message.id} <= texts_of_the_program().keys()


def test_placeholders_match(catalogue: Catalog) -> None:
    for message in catalogue:
        if message.id:
            assert places(str(message.string)) == places(str(message.id)), message.id


def test_use() -> None:
    text = "The switch is testing the port."
    assert tr(text) == text
    use("pt-BR")
    assert tr(text) == "O switch está testando a porta."
    assert tr("not in the catalogue") == "not in the catalogue"
    use("en")
    assert tr(text) == text


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_can_be_used(name: str) -> None:
    use(name)
    assert language.tr("PoE state")
