"""Weights that others trained with code of their own: read without running any of it."""
