"""The theory of the game as mathematics that runs: divergences, equilibria and dynamics."""
