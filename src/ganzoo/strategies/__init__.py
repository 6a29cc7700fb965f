"""Averaging gradients across devices, player by player."""
