"""The mechanics of every adversarial game: players, minibatches, averages, exact state."""
