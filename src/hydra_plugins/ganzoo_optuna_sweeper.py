"""Where Hydra looks for sweepers: that of ``sweep=optuna``, see ``ganzoo.composition.search``.

Every program that uses Hydra imports this module, so that it imports nothing else.
"""

from typing import TYPE_CHECKING, Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from ganzoo.composition.search import Search


class OptunaSweeper(Sweeper):
    """A search for the best value of an objective, one run after another.

    Args:
        settings: See ``conf/hydra/sweeper/ganzoo_optuna.yaml``.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._search: Search | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what runs are composed and launched with."""
        from hydra.core.plugins import Plugins

        from ganzoo.composition.search import Search

        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        loader = hydra_context.config_loader
        self._search = Search(config=config, launcher=launcher, loader=loader, **self._settings)

    def sweep(self, arguments: list[str]) -> None:
        """Search, with these overrides beside those of the config."""
        assert self._search is not None
        self._search.run(arguments)
