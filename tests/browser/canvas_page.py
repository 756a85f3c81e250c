"""The page of the canvas in a browser, with hands to draw on it."""

from __future__ import annotations

from typing import Any

QUIET = """(() => {
    const box = (id) => document.querySelector(`#${id} textarea`).value;
    const now = [fake.asked.length, box('t2c_document'), box('t2c_answer'), box('t2c_motion')].join();
    if (now !== fake.before) {
        fake.before = now;
        fake.since = performance.now();
    }
    const { written, words } = document.querySelector('.t2c-frame').dataset;
    return performance.now() - fake.since > 360 && written !== 'no' && words === undefined;
})()"""


class Canvas:
    """A page with the canvas, and hands to draw with."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, server: str, width: int = 512, height: int = 384, motion: str = "") -> Canvas:
        self.page.goto(f"{server}/tests/browser/harness.html")
        self.page.wait_for_selector(".t2c-board")
        self.page.wait_for_function("window.fake !== undefined")
        self.page.evaluate("motion => fake.set('t2c_motion', motion)", motion)
        self.show(width, height)
        return self

    def show(self, width: int = 512, height: int = 384, key: str = "first") -> None:
        self.page.evaluate("([w, h, key]) => fake.picture(w, h, key)", [width, height, key])
        self.page.wait_for_selector(f".t2c-frame[data-picture={key}]")
        self.page.wait_for_function("document.querySelector('.t2c-world').getBoundingClientRect().width > 50")
        self.settled()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Window pixels of a point of the picture, as the browser lays it out."""
        box = self.page.evaluate(
            "(({left, top, width, height}) => [left, top, width, height])"
            "(document.querySelector('.t2c-picture').getBoundingClientRect())"
        )
        return box[0] + x * box[2], box[1] + y * box[3]

    def drag(self, *points: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=6)
        mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def tool(self, name: str) -> None:
        self.page.click(f"[data-tool={name}]")

    def key(self, *keys: str) -> None:
        self.page.focus(".t2c-board")
        for one in keys:
            self.page.keyboard.press(one)

    def settled(self) -> None:
        """Wait until the document is written and nothing is asked any more."""
        self.page.wait_for_function(QUIET, timeout=90000)

    def text(self) -> str:
        """The document as it is written, or ""."""
        return str(self.page.evaluate("document.querySelector('#t2c_document textarea').value"))

    def document(self) -> dict[str, Any]:
        self.settled()
        return dict(self.page.evaluate("JSON.parse(document.querySelector('#t2c_document textarea').value || '{}')"))

    def motion(self) -> str:
        self.settled()
        return str(self.page.evaluate("document.querySelector('#t2c_motion textarea').value"))

    def type_motion(self, text: str) -> None:
        self.page.fill("#t2c_motion textarea", text)
        self.settled()

    def names(self) -> list[str]:
        return list(self.page.evaluate("[...document.querySelectorAll('.t2c-region .t2c-name')].map(one => one.value)"))

    def share(self, region: int = 0) -> float:
        """How much of the picture a region of the written document covers."""
        script = (
            "async (index) => {const {decodeMask} = await import('/javascript/studio/png.mjs');"
            "const doc = JSON.parse(document.querySelector('#t2c_document textarea').value);"
            "const mask = await decodeMask(doc.regions[index].mask);"
            "return mask.data.reduce((sum, value) => sum + value, 0) / 255 / mask.data.length}"
        )
        self.settled()
        return float(self.page.evaluate(script, region))
