"""What Lightning and torch say that is not about a run of this library."""

import logging
import re
import warnings

_MESSAGES = "|".join(
    (
        r"GPU available: ",  # the run's first line names the device
        r"TPU available: ",
        r"HPU available: ",
        r"LOCAL_RANK: \d+ - CUDA_VISIBLE_DEVICES",
        r"Initializing distributed: ",  # one line a process; a process that fails names itself
        r"-+\ndistributed_backend=",
        r"`Trainer.fit` stopped: `max_(steps|epochs)=",  # the end that was asked for
        r"`Trainer\(.*\)` was configured so ",  # repeats a setting
        r"Running in `fast_dev_run` mode",  # the run's first line says so
        r"Restor(ing|ed) ",  # the run says itself what it goes on from
        r"Using .* Automatic Mixed Precision",  # repeats trainer.precision
        r"Loading `train_dataloader` to estimate",  # it is loaded once, for training
        r"You are running in `Trainer\(barebones=True\)` mode",  # the run says itself what it lacks
        r"`Trainer\(barebones=True\)` started running",
        r".*Tip: For seamless cloud ",  # advertisements of other packages
        r"Seed set to ",
        r"`weights_only` was not set",  # what is loaded has been read safely before
    )
)

_WARNINGS = (
    # The accelerator was chosen by the user, or is the only one that the model runs on.
    r"GPU available but not used",
    # A game logs every so many generator updates, however many batches an epoch has.
    r"The number of training batches \(.*\) is smaller than the logging interval",
    # Networks that only measure or average stay in evaluation mode.
    r"Found \d+ module\(s\) in eval mode at the start of training",
    # Training measures by callbacks; the step is there for Trainer.validate.
    r"You defined a `validation_step` but have no `val_dataloader`",
    # The callbacks of a run may be others than those of the run that it goes on from.
    r"Be aware that when using `ckpt_path`, callbacks used to create the checkpoint",
    # In float16 the scaler leaves the first steps out, which torch takes for a wrong order.
    r"Detected call of `lr_scheduler.step\(\)` before",
)


def quieten() -> None:
    """Leave out the messages and warnings that are noise in every run, and no others.

    Deprecations inside Lightning are its own business.
    """
    if logging.getLogger().hasHandlers():
        logging.getLogger("lightning").handlers.clear()  # which would say everything twice
    for name in tuple(logging.root.manager.loggerDict):
        if name.startswith("lightning"):
            logging.getLogger(name).addFilter(is_news)
    for module in ("lightning", "lightning_utilities"):
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=module)
        warnings.filterwarnings("ignore", category=FutureWarning, module=module)
    for message in _WARNINGS:
        warnings.filterwarnings("ignore", message)


def is_news(record: logging.LogRecord) -> bool:
    """Whether a message of Lightning's is none of those that are noise."""
    return re.match(_MESSAGES, record.getMessage()) is None
