"""The plot of problems: a bar for each, as long as it has rows."""

from __future__ import annotations

import pytest
from drawn import bars, row_names, texts

from doaudit import plots


def test_a_bar_is_as_long_as_the_problem_has_rows(problems_table, ax):
    """That with most of them is at the top, and beside it stands what its newest row has."""
    table = problems_table(
        problem=["unknown_type", "region_missing", "unknown_type"], detail=["The type 'a'.", "No region.", "'b'."]
    )

    plots.problems(table, ax=ax)

    assert row_names(ax) == ["unknown_type", "region_missing"]
    assert bars(ax) == [(0, 2, False), (1, 1, False)]
    assert texts(ax) == ["2 rows", "The type 'a'.", "1 row", "No region."]


def test_one_row_among_many_is_seen(problems_table, ax):
    """Its bar has a width."""
    plots.problems(problems_table(problem=["region_missing"] * 5000 + ["duplicate_id"]), ax=ax)

    assert bars(ax) == [(0, 5000, False), (1, pytest.approx(5150 / 250), False)]
    assert texts(ax)[0] == "5,000 rows"


def test_a_sentence_with_a_foreign_word_is_made_safe(problems_table, ax):
    """No longer than a label, in one line, and no formula."""
    hostile = "The type '$x^2$\x1b]0;\n" + "very " * 100 + "long' is in no public description of the API."

    plots.problems(problems_table(detail=[hostile]), ax=ax)

    text = texts(ax)[1]
    assert len(text) == 44
    assert text.startswith("The type '$x^2$\\x1b]0; ")
    assert text.endswith("of the API.")
    assert text.isprintable()
    assert not ax.texts[1].get_parse_math()


def test_the_title_says_that_there_are_more(problems_table, ax):
    """Those with most rows are drawn."""
    plots.problems(problems_table(problem=["b", "a", "a", "c"]), ax=ax, top=2)

    assert row_names(ax) == ["a", "b"]
    assert ax.get_title(loc="left") == "Rows that break an expectation (first 2 of 3 problems)"
