"""The only wing that touches the store: every action that was ever read, kept on this machine."""
