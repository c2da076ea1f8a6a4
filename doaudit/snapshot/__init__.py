"""Snapshot runs: a pure state machine, its driver, its journal, and jobs that carry runs out."""
