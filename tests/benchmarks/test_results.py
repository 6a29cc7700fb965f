"""Files of results, what writes them, and the page and the README's table that they become."""

import csv
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import frechet, results, speed, sweeps, tables  # noqa: E402
from benchmarks.markdown import headline, lines, provenance, section, shown  # noqa: E402

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<path>[\w./-]*)#(?P<anchor>[\w-]+)\)")


def test_page_and_readme_are_those_of_the_files():
    for path, text in results.written().items():
        assert path.read_text(encoding="utf-8") == text, "run python -m benchmarks.results"


def test_every_file_has_its_place_on_the_page():
    placed = [name for names in results.CHAPTERS.values() for name in names]
    assert sorted(placed) == sorted(file.stem for file in (results.FILES / "cpu").iterdir())


def test_every_file_says_where_its_numbers_are_from():
    for chapter in results.tables().values():
        for table in chapter:
            run = table["run"]
            assert {"processor", "cores", "python", "versions", "commit", "started"} <= set(run)
            assert run["commit"] or run["noted"], table["title"]
            assert table["commands"], table["title"]
            for row in table["rows"].values():
                assert set(row) <= set(table["columns"])


def anchor(heading):
    """As GitHub names it."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_to_headings_lead_to_one(page):
    for found in LINK.finditer(page.read_text(encoding="utf-8")):
        target = page.parent / found["path"] if found["path"] else page
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)
        assert found["anchor"] in map(anchor, headings), found[0]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (None, {}, "not recorded"),
        ("as it is", {"digits": 2}, "as it is"),
        (1296, {}, "1,296"),
        (4e-16, {"significant": 1}, "4e-16"),
        (0.944, {"digits": 1, "percent": True}, "94.4 %"),
        ([0.77, 0.8], {"digits": 2}, "0.77, 0.80"),
        ({"mean": 6.4, "deviation": 0.9}, {"digits": 1}, "6.4 ± 0.9"),
        (
            {"mean": 0.929, "deviation": 0.014, "least": 0.905},
            {"digits": 1, "percent": True},
            "92.9 ± 1.4 % (least 90.5 %)",
        ),
        (
            {"median": 1.5, "least": 1, "most": 2},
            {"digits": 1, "unit": "ms"},
            "1.5 ms (1.0 to 2.0)",
        ),
        ({"least": 133, "most": 184}, {"unit": "s"}, "133 to 184 s"),
    ],
)
def test_a_value_is_shown_with_its_spread(value, form, text):
    assert shown(value, form) == text


TABLE = {
    "title": "Speed",
    "commands": ["python -m x"],
    "run": {"cores": 2, "commit": None, "seeds": [0, 1]},
    "head": "case",
    "columns": {
        "time": {"title": "time", "digits": 1, "unit": "s"},
        "why": {"title": "w", "text": 1},
    },
    "rows": {"a b": {"time": 2, "why": "x"}, "c": {"time": None}},
    "notes": ["A note."],
    "headline": {"what": "speed", "command": "make", "result": "{a b|time} beside {c|time}"},
}


def test_a_section_holds_command_run_table_and_notes():
    assert lines(TABLE) == [
        "| case | time | w |",
        "| --- | ---: | --- |",
        "| a b | 2.0 s | x |",
        "| c | not recorded |  |",
    ]
    assert provenance(TABLE["run"]) == "cores: 2; seeds: 0, 1. Not recorded: commit."
    assert section(TABLE).split("\n\n")[:2] == ["### Speed", "```\npython -m x\n```"]
    assert section(TABLE).endswith("\n\nA note.\n")


def test_a_headline_takes_its_numbers_from_the_table():
    assert headline(TABLE) == ["speed", "`make`", "2.0 s beside not recorded"]
    assert headline(TABLE | {"headline": None}) is None


def test_only_what_stands_between_the_marks_is_replaced():
    readme = f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n"
    changed = results.with_summary(readme, "new")
    assert changed == f"before\n{results.BEGIN}\n\nnew\n\n{results.END}\nafter\n"
    assert results.with_summary(changed, "new") == changed
    with pytest.raises(SystemExit, match="must have"):
        results.with_summary("no marks", "new")


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Run a benchmark with some words and return the table that it writes."""
    monkeypatch.setattr(tables, "machine", lambda root: {"cores": 1, "commit": "c0ffee"})

    def start(module, *words):
        file = tmp_path / "table.json"
        monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, words), "--json", str(file)])
        module.main()
        return json.loads(file.read_text())

    return start


def test_a_benchmark_writes_the_table_that_it_prints(call, capsys):
    table = call(frechet, "--dimension", 32, "--repetitions", 3)
    assert "160 samples of 32 features" in capsys.readouterr().out
    assert table["run"]["commit"] == "c0ffee"
    assert table["run"]["repetitions"] == 3
    ours = table["rows"]["160 samples, ganzoo"]
    assert 0 < ours["seconds"]["least"] <= ours["seconds"]["median"] <= ours["seconds"]["most"]
    assert ours["error"] < 1e-9
    assert len(lines(table)) == 2 + 6


def test_a_table_measured_anew_keeps_what_people_wrote(call, monkeypatch):
    case = speed.Case(
        "tiny", ["network.generator.width=4", "optimizer.ema=none"], "ring", (8, 2), 2
    )
    monkeypatch.setattr(speed, "CASES", [case])
    first = call(speed, "--repetitions", 1, "--threads", 1)
    file = Path(sys.argv[-1])
    file.write_text(json.dumps(first | {"notes": ["Mine."], "rows": {"old": {"hand": 1}}}))
    second = call(speed, "--repetitions", 1, "--threads", 1)
    assert second["notes"] == ["Mine."]
    assert list(second["rows"]) == ["tiny"]
    times = second["rows"]["tiny"]
    expected = times["hand"]["median"] / times["trainer"]["median"]
    assert times["ratio"]["median"] == pytest.approx(expected)


def test_sweeps_become_one_table(call, tmp_path):
    def sweep(name, rows, seconds):
        folder = tmp_path / name
        folder.mkdir()
        for file, found in (("seeds.csv", rows), ("sweep.csv", seconds)):
            with (folder / file).open("w", newline="") as stream:
                writer = csv.DictWriter(stream, found[0])
                writer.writeheader()
                writer.writerows(found)
        return folder

    def row(mean, **settings):
        name = "metrics/modes@2500"
        values = {f"{name}_mean": mean, f"{name}_deviation": 0.5, f"{name}_n": 2}
        return {"experiment": "points", **settings, "runs": 2, "finished": 2, **values}

    runs = [{"seed": seed, "seconds": 10.0 + seed} for seed in (0, 1)]
    both = [row(7, model="gan", dataset="ring"), row(20, model="gan", dataset="grid")]
    more = [row(8, **{"model": "info_gan", "network.latent.latent_dim": 14, "dataset": "ring"})]
    folders = sweep("first", both, runs), sweep("second", more, [*runs, {"seed": 2, "seconds": ""}])
    table = call(sweeps, *folders, "--values", "modes")
    assert table["rows"] == {
        "`model=gan`": {
            "ring_modes": {"mean": 7.0, "deviation": 0.5},
            "grid_modes": {"mean": 20.0, "deviation": 0.5},
        },
        "`model=info_gan network.latent.latent_dim=14`": {
            "ring_modes": {"mean": 8.0, "deviation": 0.5}
        },
    }
    assert table["run"]["seeds"] == [0, 1, 2]
    assert table["run"]["seconds"] == {"a run": {"least": 10.0, "most": 11.0}}
