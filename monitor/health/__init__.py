"""What results mean: pure functions from results to what we say of an endpoint and of a point."""
