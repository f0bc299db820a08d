"""Every option of every backend is explained, and the README prints what the code allows."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest

from audit.backends.registry import BUILT_IN, OUTPUTS
from audit.cli.explain import explain_backend
from audit.runs.explained import as_markdown, model_of, options_of

ALL = sorted({**BUILT_IN, **OUTPUTS})


@pytest.mark.parametrize("name", ALL)
def test_every_option_has_a_sentence_and_every_sentence_an_option(name, root) -> None:
    said = tomllib.loads((root / "audit/words/options.toml").read_text())[name]
    assert list(said) == list(model_of(name).model_fields) or set(said) == set(model_of(name).model_fields)
    assert all(row.meaning.endswith((".", "...")) for row in options_of(name))


@pytest.mark.parametrize("name", ALL)
def test_the_readmes_print_the_options_as_the_code_has_them(name, root) -> None:
    readme = root / ("datasets/outputs/README.md" if name in OUTPUTS else "audit/backends/README.md")
    assert as_markdown(name) in readme.read_text(), f"write the output of as_markdown({name!r}) into {readme}"


def test_what_may_be_written_is_said_in_words() -> None:
    rows = {row.name: row for row in options_of("process")}
    assert rows["window"][1:4] == ("whole number from 1 to 256", "4", False)
    assert rows["command"][1:4] == ("list of texts", "", True)
    assert rows["format"].kind == "png, ppm"
    assert "mobilenet_vggface2" in {row.name: row for row in options_of("onnx")}["preset"].kind


def test_a_third_party_s_options_are_read_off_its_module(tmp_path, monkeypatch) -> None:
    (tmp_path / "with_options.py").write_text(
        "from pydantic import Field\nfrom audit.backends.options import Options\n"
        "class AcmeOptions(Options):\n    blur: int = Field(default=0, ge=0, description='How much is blurred.')\n"
        "def make(options): raise RuntimeError('never called')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("with_options", None)
    text = explain_backend("with_options:make").text
    assert re.search(r"blur  \(whole number from 0; default 0\)\n      How much is blurred\.", text)
