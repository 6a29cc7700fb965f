"""The facts of the zoo's tables: each row's code, paper and test, and the pages' copies."""

import inspect
import re

import pytest
from hydra.utils import get_object

from ganzoo.composition import compatibility
from ganzoo.composition.catalogue import GROUPS_OF_PAPERS, about, entries_of_papers
from ganzoo.composition.compose import all_groups, group_choices
from ganzoo.composition.zoo_pages import markdown_tables
from ganzoo.configs import config_directory
from ganzoo.zoo import main

ROOT = config_directory().parent
ENTRIES = entries_of_papers()
IDS = [f"{entry.group}={entry.name}" for entry in ENTRIES]
ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| .*\[code\]\((?P<code>[^)]*)\), \[test\]\((?P<test>[^)]*)\)", re.M
)


PAGES = {
    "README.md": ["model"],
    "docs/parts.md": [group for group in GROUPS_OF_PAPERS if group != "model"],
}


def test_every_choice_of_every_group_has_its_facts_and_none_is_of_a_choice_that_is_not_there():
    choices = {group: set(group_choices(group)) for group in all_groups()}
    assert {group: set(facts) for group, facts in about().items()} == {
        group: names for group, names in choices.items() if names
    }


def test_facts_are_a_line_and_papers():
    for names in about().values():
        for name, facts in names.items():
            assert facts.keys() <= {"summary", "papers"}, name
            assert 5 < len(facts["summary"]) <= 100 and "arXiv" not in facts["summary"], name
            for paper in facts.get("papers", []):
                arxiv = paper.get("arxiv")
                assert set(paper) <= {"authors", "year", "arxiv"}
                assert arxiv is None or re.fullmatch(r"\d{4}\.\d{4,5}", arxiv), name
                first = paper["year"] if arxiv is None else 2000 + int(arxiv[:2])
                assert -1 <= paper["year"] - first <= 2, "printed about when it was put on arXiv"


def test_the_entries_of_the_table_come_from_papers_of_which_their_code_speaks():
    """But for normalisations of which one is none at all."""
    files = [*(ROOT / "src" / "ganzoo").rglob("*.py"), *(ROOT / "conf").rglob("*.yaml")]
    text = "".join(file.read_text() for file in files if file.name != "about.yaml")
    for entry in ENTRIES:
        assert entry.papers, entry
        assert all(paper.arxiv in text for paper in entry.papers), entry


@pytest.mark.parametrize("words", [[], ["group=metrics"], ["group=penalty"]])
def test_no_cell_breaks_a_table(zoo, words):
    lines = [line for line in zoo("format=markdown", *words)[1].splitlines() if line]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} <= {5}
    assert words or any(r"\|" in line for line in lines)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_its_tables_as_they_are(page):
    shown = [entry for entry in ENTRIES if entry.path in PAGES[page]]
    text = (ROOT / page).read_text()
    for table in markdown_tables(shown, page).split("\n\n"):
        assert table in text, f"run python -m ganzoo.zoo format=markdown page={page}"


@pytest.mark.parametrize(("page", "least"), [("README.md", 20), ("docs/parts.md", 60)])
def test_what_a_page_links_to_exists(page, least):
    rows = list(ROW.finditer((ROOT / page).read_text()))
    assert len(rows) >= least
    for row in rows:
        assert (ROOT / page).parent.joinpath(row["code"]).is_file(), row["name"]
        assert (ROOT / page).parent.joinpath(row["test"]).is_file(), row["name"]


@pytest.fixture
def zoo(capsys):
    def call(*words):
        """Type the command; return its exit code and both outputs."""
        code = 0
        try:
            main(words)
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_table_can_be_filtered(zoo):
    lines = zoo("group=loss", "kernel")[1].splitlines()
    assert all("maximum_mean" in line or "energy_distance" in line for line in lines[1:])
    assert 3 <= len(lines[1:]) <= 6


def test_all_groups_are_searched(zoo):
    found = zoo("sngan")[1]
    assert "sngan_cifar10" in found and "Miyato et al. 2018" in found
    assert "setting   trainer.max_steps=100000" in zoo("sngan_cifar10")[1]
    assert "wasserstein2" in zoo("group=metrics")[1]
    assert "logger=tensorboard" in zoo("tensorboard")[1]


def test_one_entry(zoo):
    _, page, _ = zoo("wgan_gp")
    assert "https://arxiv.org/abs/1704.00028" in page
    assert "setting   model.discriminator_steps=5" in page
    assert "part      loss=wasserstein" in page
    assert "compatibility=true tries it" in page and "not with" not in page
    assert "Departures: none" in page


def test_what_goes_with_an_entry(zoo, monkeypatch):
    few = {"loss": ["hinge"], "penalty": ["none", "gradient_penalty"]}
    monkeypatch.setattr(compatibility, "group_choices", lambda group: few[group])
    lines = zoo("wgan_gp", "compatibility=true")[1].splitlines()
    assert "images    loss: all 1" in lines
    (refused,) = [line for line in lines if line.startswith("not with")]
    assert "penalty=gradient_penalty (images)" in refused
    code, _, err = zoo("sngan_cifar10", "compatibility=true")
    assert code == 1 and "is not tried with others" in err


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_docstrings_are_read_as_python_reads_them(entry):
    if entry.target.name:
        found = get_object(f"{entry.target.module}.{entry.target.name}")
        assert entry.target.documentation == inspect.getdoc(found)
        assert found.__module__ == entry.target.module


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wgan_pg"], "did you mean 'wgan_gp'"),
        (["group=losses"], "unknown group 'losses': did you mean 'loss'"),
        (["grup=loss"], "unknown setting 'grup'"),
        (["zzzz"], "nothing in the zoo fits 'zzzz': choose from acgan"),
    ],
)
def test_wrong_words_are_one_line(zoo, words, said):
    code, _, err = zoo(*words)
    assert code == 1 and said in err
    assert len(err.strip().splitlines()) == 1 and len(err) < 300
