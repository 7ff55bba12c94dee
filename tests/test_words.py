"""The glossary: what tools/prose.py finds, and that it finds it."""

import pytest

from tools import prose


def test_the_glossary_rules_out_words_and_has_no_word_twice():
    ruled_out = prose.unwanted()
    assert ruled_out["timestep"] == "step"
    assert ruled_out["for ever"] == "forever"
    assert not set(ruled_out) & set(ruled_out.values())


@pytest.mark.parametrize("word", ["timestep", "dearer", "io channels", "goes on"])
def test_words_that_are_ruled_out_are_found_and_code_is_left_alone(word, monkeypatch, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "lava_sqs").mkdir()
    (tmp_path / "docs/glossary.md").write_text((prose.ROOT / "docs/glossary.md").read_text())
    (tmp_path / "docs/page.md").write_text(f"One `{word}`.\n\n```\n{word}\n```\n\nA {word} here.\n")
    (tmp_path / "lava_sqs/one.py").write_text(f'"""Of a {word}, and `{word}`."""\n{"x"} = 1\n')
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    found = [line.split(": ")[0] for line in prose.faults() if word in line]
    assert found == ["docs/page.md:7", "lava_sqs/one.py:1"]


@pytest.mark.parametrize(
    "text",
    [
        "Names the argument.",
        "an ansatz of yours",
        "made anew",
        "all but for two",
        "must be told so",
    ],
)
def test_phrases_that_read_like_translations_are_found_in_pages_docstrings_and_messages(
    text, monkeypatch, tmp_path
):
    (tmp_path / "docs").mkdir()
    (tmp_path / "lava_sqs").mkdir()
    (tmp_path / "docs/glossary.md").write_text("# Glossary\n")
    (tmp_path / "docs/page.md").write_text(f"It is {text}\n")
    code = f'"""It is {text}"""\n\nraise ValueError(f"{{1}}: it is {text}")\nx = "{text[:3]}"\n'
    (tmp_path / "lava_sqs/one.py").write_text(code)
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    found = sorted(line.split(": ")[0] for line in prose.faults())
    assert found == ["docs/page.md:1", "lava_sqs/one.py:1", "lava_sqs/one.py:3"]


def test_proselint_reads_the_pages(monkeypatch, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/glossary.md").write_text("# Glossary\n")
    (tmp_path / "docs/page.md").write_text("At this point in time, it is very unique.\n")
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    assert any("page.md:1" in line for line in prose.faults())
