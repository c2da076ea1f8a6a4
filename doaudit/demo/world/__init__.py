"""The simulated account: its records, clock, rate limits, tokens and faults. Pure: no network, threads or real time."""
