"""The only wing that speaks HTTP."""
