"""Where a run writes, and what a dry run leaves: nothing."""

from omegaconf import OmegaConf

from ganzoo.composition.folder import choose_folder, temporary_folders
from ganzoo.composition.sweep import SweepTable


def test_a_dry_run_has_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    latest = tmp_path / "latest"
    latest.mkdir()
    assert choose_folder("last", str(latest), "fresh") == "latest"
    assert choose_folder("last", str(latest), "fresh", True) == "fresh"
    assert choose_folder(None, str(latest), "fresh") == "fresh"


def test_a_lent_cache_has_what_was_cached_and_keeps_nothing_more(tmp_path):
    known = tmp_path / "features" / "known.npz"
    known.parent.mkdir()
    known.write_text("known")
    with temporary_folders(tmp_path) as (run, cache):
        lent = cache / "features" / "known.npz"
        assert lent.read_text() == "known"
        (cache / "features" / "new.npz").write_text("new")
        aside = cache / "aside"
        aside.write_text("made again")
        aside.replace(lent)  # as a cache writes
        run.mkdir()
    assert not run.exists()
    assert not cache.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [known]
    assert known.read_text() == "known"
    with temporary_folders(tmp_path / "nowhere") as (run, cache):
        assert not cache.exists()


def test_a_sweep_of_dry_runs_is_taken_back(tmp_path):
    folder = tmp_path / "runs" / "sweeps" / "now"
    folder.mkdir(parents=True)
    (folder / "multirun.yaml").touch()
    config = OmegaConf.create({"hydra": {"sweep": {"dir": str(folder)}}})
    SweepTable().on_multirun_end(config)
    assert list(tmp_path.iterdir()) == []
