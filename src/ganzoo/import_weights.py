"""Import weights of others: ``python -m ganzoo.import_weights file=PATH output=CHECKPOINT``."""

from pathlib import Path

from omegaconf import DictConfig, ListConfig

from ganzoo.composition.entry import run
from ganzoo.composition.overrides import overrides_of_this_run
from ganzoo.composition.settings import check_kinds, check_known
from ganzoo.errors import InputError, check_whole

CONFIG = "import_weights"


def import_weights(config: DictConfig) -> None:
    """Write a checkpoint of ours with the weights of files of others.

    Args:
        config: A composed config, see ``conf/import_weights.yaml``.

    Raises:
        InputError: if a setting is wrong, a file cannot be read, holds anything that weights do
            not need, is of unknown authors or does not fit, or the checkpoint cannot be written.
    """
    check_known(config, CONFIG)
    check_kinds(config, overrides_of_this_run(), CONFIG)
    if config.file is None or config.output is None:
        raise InputError("file=PATH and output=PATH must be given")
    files = list(config.file) if isinstance(config.file, ListConfig) else [config.file]
    paths = [Path(str(file)).expanduser() for file in files]
    output = Path(str(config.output)).expanduser()
    if not paths or output.is_dir() or output in paths:
        raise InputError(f"output={output} must be another file than file={config.file}")
    if config.image_size is not None:
        check_whole(image_size=config.image_size)
    from ganzoo.composition.imported import build_imported, save_untrained
    from ganzoo.foreign_weights.sources import read_imported

    imported = read_imported(paths)
    model, missing = build_imported(imported, config.dataset_name, config.image_size)
    save_untrained(model, output)
    print(f"{output}: model={imported.model}, {len(imported.states)} networks")
    if missing:
        print(f"not in {config.file}, and untrained: {', '.join(missing)}")


def main() -> None:
    """Entry point of the command line."""
    run(import_weights, CONFIG)


if __name__ == "__main__":
    main()
