"""The game and the variants that have an algorithm of their own."""
