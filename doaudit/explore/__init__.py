"""
An explorer without a widget: checked questions about a part of the actions, and their answers as plain values.

`Exploration` holds the actions as numbers and answers; `read_question` checks what was asked; `Selection` is what both
talk about. No question becomes a query or a path, so that nothing has to be escaped.
"""
