"""The report's page: it is complete, the same each time, and a browser has nothing to object."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.report.contents import gather
from firmware_tools.report.page import check_packages, page
from fmq_embedded.deploy.deployment_files import load
from fmq_embedded.errors import MissingToolError
from tests.report.browser import DESKTOP, PHONE, axe_script, chromium, show_as, violations
from tests.report.conftest import Made
from tests.tasks.running import fmq

pytestmark = pytest.mark.xdist_group("report")

LARGEST_BYTES = 3 << 20


class Outline(HTMLParser):
    """What a page's structure is: headings, ids, addresses, texts that stand for pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in found:
            self.ids[found["id"]] += 1
        self.addresses += [found[name] for name in ("href", "src", "xlink:href") if name in found]
        if tag in ("svg", "img"):
            self.pictures.append(found.get("aria-label", found.get("alt", "")))


@pytest.fixture(scope="module")
def text(both: Made) -> str:
    return both.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(text: str) -> Outline:
    return Outline(text)


def test_it_says_what_each_tensor_is_and_why(both: Made, text: str, plain: Path) -> None:
    for plan in load(plain).tensors:
        assert f"{plan.name} in the worked case" in text
        assert plan.why in text
    for contents in both.data["contents"]:
        assert f"{contents['stream_bytes']:,}" in text
        assert contents["deployment"] in text


def test_the_board_and_the_matrix_are_there(both: Made, text: str) -> None:
    assert 'id="cost-0-' in text
    for contents in both.data["contents"]:
        (board,) = contents["boards"]
        assert board["board"] == "mps2-an386"
        stages = {stage["name"]: stage["instructions"] for stage in board["stages"]}
        assert f"{stages['quantize'] + stages['encode']:,}" in text
        assert board["provenance"]["firmware_sha256"] in text
        targets = {check["target"].split()[0] for check in contents["checks"]}
        assert targets == {"numba", "c", "mps2-an386"}
        assert not any(check["mismatches"] for check in contents["checks"])


def test_it_needs_nothing_else(both: Made, text: str, outline: Outline) -> None:
    assert both.page.stat().st_size == both.data["bytes"] <= LARGEST_BYTES
    assert outline.addresses
    assert all(address.startswith(("#", "data:")) for address in outline.addresses)
    assert "<script" not in text


def test_its_structure_is_sound(outline: Outline) -> None:
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)
    assert [name for name, count in outline.ids.items() if count > 1] == []
    assert all(a[1:] in outline.ids for a in outline.addresses if a.startswith("#"))
    assert all(len(words) > 20 for words in outline.pictures)


def test_classes_are_drawn(text: str) -> None:
    assert text.count('<img src="data:image/png;base64,') == 2
    assert "Every tensor is quantized as a whole." in text
    assert re.search(r'alt="wave by channel: class 0: ', text)


def test_the_same_inputs_give_the_same_bytes(plain: Path) -> None:
    pages = [page(gather([plain], [], lambda name: None)) for _ in range(2)]
    assert pages[0] == pages[1]
    assert "No board was asked for" in pages[0]


def test_a_browser_and_an_accessibility_checker_find_nothing(both: Made, tmp_path: Path) -> None:
    script = axe_script(tmp_path)
    with chromium() as driver:
        for size, scheme in ((DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")):
            show_as(driver, size=size, scheme=scheme)
            driver.get(both.page.as_uri())
            width = driver.execute_script("return document.documentElement.scrollWidth")
            assert width <= size[0], "the page is wider than its window"
            assert driver.get_log("browser") == []
            assert violations(driver, script) == []
            driver.save_screenshot(str(tmp_path / f"{scheme}-{size[0]}.png"))
    background = {name: corner(tmp_path / f"{name}.png") for name in ("light-1280", "dark-1280")}
    assert background["light-1280"] == 255
    assert background["dark-1280"] < 40


def corner(path: Path) -> int:
    """The brightness of a picture's first pixel."""
    from PIL import Image

    return int(np.asarray(Image.open(path).convert("L"))[0, 0])


def test_what_is_wrong_is_said_before_the_work(plain: Path, tmp_path: Path) -> None:
    call = ("report", "--deployment", plain)
    fmq(tmp_path, *call, "--boards", "mps2").assert_refused(2, "no board is called 'mps2'")
    fmq(tmp_path, *call, "--boards", "esp32-c3").assert_refused(2, "no installed emulator runs")
    fmq(tmp_path, "report", "--deployment", "nothing").assert_refused(2, "deployment.toml")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    check_packages()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", sys.modules.get)
    with pytest.raises(MissingToolError, match=r"fmq-embedded\[report\]"):
        check_packages()


def test_a_deployment_that_is_not_calibrated_is_refused(plain: Path, tmp_path: Path) -> None:
    shutil.copytree(plain, tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare/conformance")
    fmq(tmp_path, "report", "--deployment", "bare", "--boards", "none").assert_refused(
        2, "inv calibrate"
    )
