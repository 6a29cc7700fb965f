"""What happens around the game: pictures, measurements, checkpoints, progress."""
