"""Visual snapshots: how pages look from afar, kept beside the tests, and compared.

What a page says changes with every run; how it is laid out and coloured does not. So a snapshot is a page seen from so
far that a tile of TILE pixels is one: letters and curves blur, and what is left is where things are and what they are
painted with. With the fonts of the machine that took the snapshots (kept beside them: `Afar.fonts`) next to nothing
differs, and a tile that is not there is seen. Other fonts change more, and there only what is coarse is looked for: a
stylesheet that is not applied, a theme that is mixed up, a bar that covers a page.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

TILE = 20
"""Pixels of the page that are one of its snapshot, each way."""
FOLDER = Path(__file__).parent / "snapshots"


@dataclass(frozen=True)
class Limit:
    """How much a page may differ from its snapshot."""

    colour: int
    """Out of 255, in any colour: a tile that differs by more is another one."""
    part: float
    """The part of the tiles that may be others, from 0 to 1."""


SAME_FONTS = Limit(9, 0.025)
"""Measured: up to 0.01 from run to run, from 0.034 where one tile of a page is hidden."""
OTHER_FONTS = Limit(28, 0.12)

_SHRINK = """async ([picture, tile]) => {
    const image = new Image();
    image.src = "data:image/png;base64," + picture;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(image.width / tile);
    canvas.height = Math.ceil(image.height / tile);
    const drawn = canvas.getContext("2d");
    const source = document.createElement("canvas");
    [source.width, source.height] = [canvas.width * tile, canvas.height * tile];
    const whole = source.getContext("2d", {willReadFrequently: true});
    whole.drawImage(image, 0, 0);
    const pixels = whole.getImageData(0, 0, source.width, source.height).data;
    const shrunk = drawn.createImageData(canvas.width, canvas.height);
    for (let y = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++) {
        const sums = [0, 0, 0];
        for (let v = 0; v < tile; v++) for (let u = 0; u < tile; u++) {
            const at = 4 * ((y * tile + v) * source.width + x * tile + u);
            for (let c = 0; c < 3; c++) sums[c] += pixels[at + c];
        }
        const to = 4 * (y * canvas.width + x);
        for (let c = 0; c < 3; c++) shrunk.data[to + c] = sums[c] / (tile * tile);
        shrunk.data[to + 3] = 255;
    }
    drawn.putImageData(shrunk, 0, 0);
    return canvas.toDataURL("image/png").split(",")[1];
}"""
_COMPARE = """async ([first, second, differs]) => {
    const [a, b] = await Promise.all([first, second].map(async (picture) => {
        const image = new Image();
        image.src = "data:image/png;base64," + picture;
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.width, image.height];
        const drawn = canvas.getContext("2d");
        drawn.drawImage(image, 0, 0);
        return drawn.getImageData(0, 0, image.width, image.height);
    }));
    if (a.width !== b.width || a.height !== b.height) return 1;
    let others = 0;
    for (let at = 0; at < a.data.length; at += 4) {
        others += [0, 1, 2].some((c) => Math.abs(a.data[at + c] - b.data[at + c]) > differs);
    }
    return others / (a.data.length / 4);
}"""


_FONTS = """() => {
    const drawn = document.createElement("canvas").getContext("2d");
    const fonts = ["16px system-ui, sans-serif", "600 16px system-ui, sans-serif", "16px ui-monospace, monospace"];
    return fonts.map((font) => {
        drawn.font = font;
        return drawn.measureText("Vigilia: reações às 11:20, 0.123456789 kW").width.toFixed(2);
    }).join(" ");
}"""


class Afar:
    """Shrinks screenshots and compares them, in a page of its own: a browser is good at pictures."""

    def __init__(self, browser: Browser) -> None:
        self._page = browser.new_page()
        known = FOLDER / "fonts.txt"
        self.same_fonts = known.is_file() and known.read_text(encoding="utf-8").strip() == self.fonts()
        self.limit = SAME_FONTS if self.same_fonts else OTHER_FONTS

    def shrunk(self, page: Page) -> str:
        """Return a page as it is seen from afar, a PNG in base64."""
        taken = base64.b64encode(page.screenshot(animations="disabled", caret="hide")).decode()
        return str(self._page.evaluate(_SHRINK, [taken, TILE]))

    def difference(self, first: str, second: str) -> float:
        """Return which part of the tiles of two snapshots differ, from 0 to 1."""
        return float(self._page.evaluate(_COMPARE, [first, second, self.limit.colour]))

    def fonts(self) -> str:
        """Return how wide a text is in the fonts of this machine."""
        return str(self._page.evaluate(_FONTS))

    def close(self) -> None:
        """Close the page."""
        self._page.close()


def kept(name: str) -> str:
    """Return the snapshot of that name."""
    return base64.b64encode((FOLDER / f"{name}.png").read_bytes()).decode()


def keep(name: str, snapshot: str, fonts: str) -> None:
    """Keep a snapshot, and with which fonts it was taken."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "fonts.txt").write_text(f"{fonts}\n", encoding="utf-8")
    (FOLDER / f"{name}.png").write_bytes(base64.b64decode(snapshot))
