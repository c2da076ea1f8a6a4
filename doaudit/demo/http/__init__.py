"""The simulated account over HTTP, on this machine only."""
