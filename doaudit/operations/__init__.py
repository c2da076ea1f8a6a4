"""One event at DigitalOcean: start it once, follow it to its end, watch many."""
