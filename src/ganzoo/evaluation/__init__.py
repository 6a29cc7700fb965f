"""Measure after training: checkpoints or stored samples against real ones, and report it."""
