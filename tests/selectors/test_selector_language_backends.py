from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from telling import OWN, codes, decide, pairs, tell, whole

from ftdata.errors import RunError
from ftdata.selectors.language import Language, detectors

ELDC = detectors.loads()
RUST = bool(detectors.installed("langdetect-rs"))
needs_eldc = pytest.mark.skipif(not ELDC, reason="eldc has no wheel for this machine")
PT = "onde está o meu pedido, por favor?"
MIXED = [
    "where is my order, if you please?",
    PT,
    "wo ist meine bestellung geblieben",
    "12345",
    "où est passée ma commande",
]


@pytest.fixture
def no_eldc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "eldc", None)
    detectors.told.cache_clear()
    yield
    detectors.told.cache_clear()


def test_without_eldc_langdetect_stands_in_and_the_run_says_so(no_eldc: None) -> None:
    made = decide(Language(), whole(MIXED))
    assert codes(made) == ["en", "pt", "de", "unknown", "fr"]
    told = Language().summary(made)
    assert told["backend"].startswith("langdetect") and told["backend"].endswith("(eldc is not installed here)")
    assert Language(keep=("id",)).keep == ("id",)
    with pytest.raises(ValidationError, match="'eldc' is not installed here; install it, or write backend"):
        Language(backend="eldc")
    assert "installed" not in Language(backend="langdetect").summary(made)["backend"]


def test_an_eldc_that_cannot_be_loaded_is_said_too(no_eldc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "present", lambda backend: True)
    made = decide(Language(), whole(MIXED))
    assert Language().summary(made)["backend"].endswith("(eldc cannot be loaded here)")
    with pytest.raises(RunError, match="installed but cannot be loaded"):
        decide(Language(backend="eldc"), whole(MIXED))


def test_the_resume_key_names_what_is_installed() -> None:
    assert (
        set(Language.decides_with) <= {"eldc", "langdetect", "langdetect-rs", "lingua-language-detector"}
        and "langdetect" in Language.decides_with
    )
    assert ("eldc" in Language.decides_with) == ELDC


@pytest.mark.skipif(not RUST, reason="langdetect-rs is not installed")
def test_both_langdetects_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for _, text in pairs(OWN)]
    texts += [" ".join(text.split()[at : at + 2]) for text in texts for at in (0, 1, 2)]
    batch = whole(texts)
    fast = Language(backend="langdetect").sketch(batch)
    detectors._langdetect.cache_clear()
    monkeypatch.setitem(sys.modules, "langdetect_rs", None)
    try:
        plain = Language(backend="langdetect").sketch(batch)
        assert Language().summary(pl.DataFrame({"tags": ["{}"]}).clear()) is not None
        assert detectors.named("langdetect").startswith("langdetect 1")
    finally:
        detectors._langdetect.cache_clear()
    assert fast.equals(plain)


def test_the_order_in_a_folder_of_profiles_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [path.name for path in detectors._profiles()]
    plain = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(sorted(plain(self))[::-1]))
    assert [path.name for path in detectors._profiles()] == listed


@pytest.mark.parametrize("backend", ["eldc", "langdetect"])
def test_nothing_changes_from_run_to_run_and_process_to_process(backend: Any) -> None:
    if backend == "eldc" and not ELDC:
        pytest.skip("eldc has no wheel for this machine")
    texts = [" ".join(text.split()[:3]) for _, text in pairs(OWN)]
    first = tell(Language(backend=backend), *texts)
    for seed in range(3):
        random.seed(seed)  # nobody else's seed counts
        assert tell(Language(backend=backend), *texts) == first
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import telling as t; "
        "texts = [' '.join(x.split()[:3]) for _, x in t.pairs(t.OWN)]; "
        f"print(' '.join(t.tell(t.Language(backend={backend!r}), *texts[::-1])))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(OWN.parent)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[::-1] == first


@needs_eldc
def test_settings_of_others_in_eldc_do_not_count() -> None:
    import eldc  # type: ignore[import-untyped,import-not-found,unused-ignore]

    eldc.init()
    eldc.set_languages(["en"])
    eldc.set_scheme("iso639-2t")
    try:
        assert tell(Language(), PT) == ["pt"]
    finally:
        eldc.set_languages([])
        eldc.set_scheme("iso639-1")
