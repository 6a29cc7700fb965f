"""Composing configs: with the entry points, the only place that imports Hydra."""
