"""The proof on a GPU: tests, throughput and a training by one command, see ``__main__``."""
