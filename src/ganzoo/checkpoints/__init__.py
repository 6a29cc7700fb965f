"""Checkpoints: written whole or not at all, read without running foreign code."""
