"""The documentation's pictures of the terminal view, made from a site with something wrong.

`VIGILIA_PICTURES=1 pytest tests/unit/tui/test_pictures.py` writes them into docs/images.
"""

import os
import re
from pathlib import Path

from tests.unit.tui.conftest import View, viewed

IMAGES = Path(__file__).parents[3] / "docs" / "images"
WRITE = os.environ.get("VIGILIA_PICTURES") == "1"  # read before the environment is cleaned for the tests
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
NAME = re.compile(r"terminal-\d+")


def keep(view: View, name: str) -> None:
    """Write a picture for the documentation, if that is asked for; it names no other host."""
    picture = NAME.sub(f"terminal-{name}", FONT.sub("", view.app.export_screenshot(title="vigilia top")))
    assert "url(" not in picture.replace("url(#", "")
    if WRITE:
        (IMAGES / f"terminal-{name}.svg").write_text(picture, encoding="utf-8")
    assert (IMAGES / f"terminal-{name}.svg").is_file(), "make it with VIGILIA_PICTURES=1"


async def test_the_pictures(folder: Path) -> None:
    async with viewed(folder / "vigilia.toml") as view:
        await view.until("service DOWN; data", "aruba", "reactor", "Notices: none waits", "!! MAJOR")
        keep(view, "systems")
        await view.press("2")
        await view.until("(+3)", "acked")
        await view.press("space")
        await view.until("└ Inverter failures")
        keep(view, "alarms")
        await view.press("enter")
        await view.until("card 1", "└ Inverter failures, Inverter 1 (suppressed)")
        keep(view, "alarm")
        await view.press("escape", "3", "slash", *"ph-mon", "enter", "c")
        await view.until("the last 1 h, pH", lambda: any(0x2800 < ord(sign) < 0x2900 for sign in view.text))
        keep(view, "chart")


async def test_portuguese_fits_as_well(folder: Path) -> None:
    from vigilia.language import use

    use("pt-BR")
    async with viewed(folder / "vigilia.toml") as view:
        await view.until("serviço PARADO; dados de", "Avisos: nenhum espera")
        for page, word in (("2", "NOVO"), ("3", "Ponto"), ("4", "Início")):
            await view.press(page)
            await view.until(word)
            assert view.text.splitlines()[-1].endswith("fim"), view.text
        await view.press("2", "enter")
        await view.until("Quem foi avisado", "cartão 1", "Por quê")
        await view.press("escape", "question_mark")
        await view.until("Teclas e sinais", "reconhecer, com comentário")
