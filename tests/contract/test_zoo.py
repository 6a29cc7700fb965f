"""The facts of the zoo's table: every row's code, paper and test, and the README's copy of it."""

import re
import subprocess
import sys

import pytest

from ganzoo.composition.catalogue import GROUPS, entries
from ganzoo.composition.citations import find_citations
from ganzoo.composition.compose import config_directory
from ganzoo.composition.showcase import evidence, markdown

ROOT = config_directory().parent
ENTRIES = entries()
IDS = [f"{entry.group}={entry.name}" for entry in ENTRIES]
ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| .*\[code\]\((?P<code>[^)]*)\), \[test\]\((?P<test>[^)]*)\)", re.M
)


def readme():
    return (ROOT / "README.md").read_text()


def test_every_config_of_these_groups_is_an_entry():
    files = {
        (path.parent.name, path.stem) for g in GROUPS for path in (ROOT / "conf" / g).glob("*.yaml")
    }
    assert {(entry.group, entry.name) for entry in ENTRIES} == {
        (group, name) for group, name in files if name != "none"
    }


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_every_entry_has_a_line_and_a_paper_that_its_source_names(entry):
    assert 10 < len(entry.summary) <= 100
    assert "arXiv" not in entry.summary
    paper = entry.citations[0]
    assert re.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv)
    first = 2000 + int(paper.arxiv[:2])
    assert -1 <= paper.year - first <= 2, "printed about when it was put on arXiv"


@pytest.mark.parametrize(
    "entry",
    [e for e in ENTRIES if e.module.startswith("ganzoo.")],
    ids=[i for i, e in zip(IDS, ENTRIES, strict=True) if e.module.startswith("ganzoo.")],
)
def test_every_part_of_ours_has_a_test_that_names_it(entry):
    tested = evidence(entry)
    assert tested is not None
    text = tested.read_text()
    names = entry.target.__name__, entry.name, f'group_choices("{entry.group}")'
    assert any(name in text for name in names)


def test_the_readme_has_the_table_as_it_is():
    for table in markdown(ENTRIES).split("\n\n"):
        assert table in readme(), "run python -m ganzoo.zoo format=markdown"


def test_what_the_readme_links_to_exists():
    rows = list(ROW.finditer(readme()))
    assert len(rows) > 60
    for row in rows:
        assert (ROOT / row["code"]).is_file(), row["name"]
        assert (ROOT / row["test"]).is_file(), row["name"]


def zoo(*words):
    return subprocess.run(
        [sys.executable, "-m", "ganzoo.zoo", *words], capture_output=True, text=True, check=False
    )


def test_the_table_can_be_filtered():
    lines = zoo("group=loss", "kernel").stdout.splitlines()
    assert all("maximum_mean" in line or "energy_distance" in line for line in lines[1:])
    assert 3 <= len(lines[1:]) <= 6


def test_one_entry_says_what_goes_with_it():
    page = zoo("wgan_gp").stdout
    assert "https://arxiv.org/abs/1704.00028" in page
    assert "setting   model.discriminator_steps=5" in page
    assert "part      loss=wasserstein" in page
    assert "loss: all" in page
    (refused,) = [line for line in page.splitlines() if line.startswith("not with")]
    assert "penalty=gradient_penalty (images)" in refused
    assert "Departures: none" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wgan_pg"], "did you mean 'wgan_gp'"),
        (["group=losses"], "unknown group 'losses': did you mean 'loss'"),
        (["grup=loss"], "unknown setting 'grup'"),
    ],
)
def test_wrong_words_are_one_line(words, said):
    run = zoo(*words)
    assert run.returncode == 1
    assert said in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Arjovsky, Chintala and Bottou (2017), "W", Algorithm 1 (arXiv 1701.07875)',
         ("Arjovsky, Chintala and Bottou", 2017, "1701.07875")),
        ("Zhao et al. (2017,\n    arXiv:1609.03126), (1)", ("Zhao et al.", 2017, "1609.03126")),
        ("Ioffe and Szegedy 2015, arXiv 1502.03167", ("Ioffe and Szegedy", 2015, "1502.03167")),
        ("Brown-Smith (2018, arXiv:1807.00734)", ("Brown-Smith", 2018, "1807.00734")),
    ],
)  # fmt: skip
def test_citations_are_read_in_every_form_of_ours(text, expected):
    (found,) = find_citations(text)
    assert (found.authors, found.year, found.arxiv) == expected
