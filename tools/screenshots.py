"""Takes the pictures of docs/reports.md: audits the examples, opens their reports in Chromium, and photographs them.

Run it from the repository's root, with the development tools installed and a Chromium on the path::

    python -m tools.screenshots

Pictures are of 192 colours, which keeps each far below 300 KB.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from independence_audit.cli.entry import main as audit

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "images"
EXAMPLES = Path("examples")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
COLOURS = 192
LIMIT = 300_000
WIDTH = 1200


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: of which report, in which language and light, and which part of the page."""

    name: str
    subject: str
    references: tuple[str, ...]
    lang: str
    policy: str = "kai-stage1"
    scheme: str = "light"
    part: str = ""
    """Selector of the part; empty for the first screen."""
    height: int = 1500


OMNI = ("hyperclovax_case/subject", ("hyperclovax_case/reference_vision", "hyperclovax_case/reference_audio"))
SOLAR = ("solar_case/solar_open", ("solar_case/glm4_moe",))
SHOTS = (
    Shot("first-screen-en", *OMNI, "en"),
    Shot("first-screen-ko", *OMNI, "ko"),
    Shot("solar-ko", *SOLAR, "ko"),
    Shot("drawing-ko", *OMNI, "ko", part="#drawing"),
    Shot("layers-en", *OMNI, "en", part="#layers article >> nth=0"),
    Shot("trap-en", *SOLAR, "en", part="#trap"),
    Shot("distribution-dark-en", *OMNI, "en", scheme="dark", part="#distribution"),
)


def main() -> int:
    """Take every picture; the exit status is 1 if one is too large."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        print("There is no Chromium on this machine.", file=sys.stderr)
        return 1
    too_large = []
    with TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=ARGUMENTS)
        for shot in SHOTS:
            page = browser.new_page(viewport={"width": WIDTH, "height": shot.height}, color_scheme=shot.scheme)  # type: ignore[arg-type]
            page.goto(_report(shot, Path(folder)).as_uri())
            path = PICTURES / f"{shot.name}.png"
            size = _keep(_photograph(page, shot), path)
            print(f"{path.relative_to(ROOT)}: {size:,} bytes")
            too_large += [path] if size > LIMIT else []
            page.close()
        browser.close()
    return 1 if too_large else 0


def _report(shot: Shot, folder: Path) -> Path:
    """Audit the example, unless its report is there."""
    path = folder / f"{shot.subject.replace('/', '-')}-{shot.lang}.html"
    if not path.exists():
        references = [argument for name in shot.references for argument in ("--ref", str(EXAMPLES / name))]
        chosen = ["--policy", shot.policy, "--lang", shot.lang, "-o", f"html={path}", "--quiet"]
        audit(["compare", str(EXAMPLES / shot.subject), *references, *chosen])
    return path


def _photograph(page: Page, shot: Shot) -> bytes:
    return page.locator(shot.part).screenshot() if shot.part else page.screenshot()


def _keep(png: bytes, path: Path) -> int:
    """Write a picture with few colours, and return its size."""
    picture = Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    return path.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
