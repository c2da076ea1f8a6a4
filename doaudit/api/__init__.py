"""The package that speaks HTTP with the API; nothing else does."""
