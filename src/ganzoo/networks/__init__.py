"""Generators, discriminators and their parts; each file states its paper."""
