"""A company with three years of history, generated from a seed."""
