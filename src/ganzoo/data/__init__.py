"""Real data: sources of points and pictures, and the module that turns them into batches."""
