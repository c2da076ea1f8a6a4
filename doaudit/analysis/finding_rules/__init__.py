"""
The rules of `doaudit.findings`: each a small function that returns what it found, in a list.

Statistical rules have a threshold and a rate of false alarms; rules of fact are stated, and are never wrong about what
the actions say. A new rule is a function in one of these modules and a row in its `RULES`.
"""
