"""The local history of an account: every action that was ever read, kept on this machine."""
