"""Rules for every plot, whatever it shows."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from doaudit import plots
from doaudit.errors import InvalidArgument
from doaudit.tables import TABLES

NEEDED = {
    "durations": "p90_high_s",
    "duration_curves": "high",
    "outcome_curves": "unclear",
    "failure_rates": "low",
    "incidents": "expected",
    "retry_rates": "recovery_rate",
    "concurrency": "most_at",
    "activity": "unclear",
    "changes": "ratio_low",
    "compare": "p50_after_low_s",
    "week_pattern": "hour",
    "slowest": "duration_s",
    "timeline": "outcome",
    "open_actions": "p90_left_s",
    "power_periods": "off_from",
    "backups": "longest_gap_s",
    "churn": "existed",
    "findings": "since",
    "failures": "started_at",
    "retries": "recovery_s",
    "lifespans": "lives",
    "last_actions": "age_s",
    "problems": "detail",
}
EMPTY = {
    **dict.fromkeys(["durations", "slowest", "duration_curves", "outcome_curves"], "no finished actions"),
    **dict.fromkeys(["failures", "retries", "retry_rates"], "no failures"),
    **{plot: f"no {plot}" for plot in ("incidents", "changes", "findings", "problems")},
    "open_actions": "no open actions",
    "power_periods": "no periods",
    "backups": "no droplets",
    "churn": "no weeks",
    "lifespans": "no resources",
}


def png(figure):
    """Return the bytes of a figure as a PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def contrast(first, second):
    """Return the contrast of two colours as WCAG 2.1 defines it: 1 for none, 21 for black on white."""

    def luminance(color):
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted([luminance(first), luminance(second)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_given_ax_is_drawn_on_and_returned(draw, long_table, ax):
    """With ax= nothing is opened through pyplot: a worker process or another subplot gets exactly what it asked for."""
    assert draw(long_table, ax=ax) is ax

    assert ax.has_data()
    assert plt.get_fignums() == []


def test_without_an_ax_one_figure_is_opened(draw, long_table):
    """A notebook shows one figure for one call."""
    drawn = draw(long_table)

    assert plt.get_fignums() == [drawn.figure.number]
    width, height = drawn.figure.get_size_inches()
    assert width == 9
    assert 3 < height < 8


def test_settings_of_the_user_stay_as_they_were(draw, long_table):
    """Drawing leaves no trace in the global settings of matplotlib."""
    with mpl.rc_context({"font.size": 17, "text.color": "red", "text.parse_math": True, "hatch.linewidth": 3}):
        before = mpl.rcParams.copy()

        draw(long_table)

        assert mpl.rcParams == before


@pytest.mark.parametrize("style", ["dark_background", pytest.param("ggplot", marks=pytest.mark.release)])
def test_the_notebooks_style_changes_nothing(draw, long_table, style):
    """The same table gives the same bytes whatever style is in force, so that reports can be compared."""
    plain = png(draw(long_table).figure)

    with plt.style.context(style):
        styled = png(draw(long_table).figure)

    assert styled == plain


def test_an_empty_table_is_a_message(draw, plot, long_table):
    """Nothing to show is said in words, on one figure, and is no error."""
    drawn = draw(long_table.head(0))

    drawn.figure.canvas.draw()
    (text,) = [text.get_text() for text in drawn.texts]
    assert text == f"{EMPTY.get(plot, 'no actions')} to show"
    assert drawn.get_legend() is None


def test_a_missing_column_is_named_with_the_maker_of_the_table(draw, plot, long_table):
    """The error says which column is missing and which function makes such a table; no figure is left behind."""
    with pytest.raises(InvalidArgument) as caught:
        draw(long_table.drop(columns=NEEDED[plot]))

    assert f"'{NEEDED[plot]}'" in str(caught.value)
    assert f"doaudit.{plot}(" in str(caught.value)
    assert plt.get_fignums() == []


def test_the_table_is_not_changed(draw, long_table):
    """A plot only reads its table."""
    before = long_table.copy(deep=True)

    draw(long_table)

    assert long_table.equals(before)


@pytest.mark.parametrize("own_figure", [True, pytest.param(False, marks=pytest.mark.release)])
def test_no_two_texts_overlap_or_leave_the_figure(draw, long_table, visible_texts, own_figure):
    """With 20 rows of long names each text has its own place, on a figure of ours and on a smaller one of the user."""
    given = None if own_figure else Figure(figsize=(9, 4), layout="constrained").add_subplot()
    figure = draw(long_table, ax=given).figure

    texts = visible_texts(figure)

    assert len(texts) > 5
    for (first, a), (second, b) in itertools.combinations(texts, 2):
        apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
        assert apart, (first.get_text(), second.get_text())
    for text, box in texts:
        assert figure.bbox.x0 <= box.x0, text.get_text()
        assert box.x1 <= figure.bbox.x1, text.get_text()
        assert figure.bbox.y0 <= box.y0, text.get_text()
        assert box.y1 <= figure.bbox.y1, text.get_text()


def test_a_figure_is_filled_to_its_lower_edge(draw, long_table, visible_texts):
    """No empty strip is left under a plot: its lowest text is within a quarter inch of the edge."""
    figure = draw(long_table).figure

    assert min(box.y0 for _, box in visible_texts(figure)) < 0.25 * figure.dpi


@pytest.mark.parametrize(
    ("facecolor", "pages"),
    [
        *(pytest.param(colour, [colour], marks=pytest.mark.release) for colour in ("white", "#111")),
        ("none", ["white", "#111"]),
    ],
)
def test_every_text_is_legible_on_its_background(draw, long_table, visible_texts, facecolor, pages):
    """Text has contrast on a light and on a dark figure, and on a clear one wherever that is pasted."""
    figure = Figure(figsize=(9, 6), layout="constrained", facecolor=facecolor)
    draw(long_table, ax=figure.add_subplot())

    least = min(contrast(text.get_color(), page) for text, _ in visible_texts(figure) for page in pages)

    assert least > (4.5 if len(pages) == 1 else 3.9)


def test_a_figure_of_our_own_is_white(draw, long_table):
    """In a dark notebook a figure has a white background, not dark text on dark ground."""
    with plt.style.context("dark_background"):
        figure = draw(long_table).figure

    assert to_rgb(figure.get_facecolor()) == (1, 1, 1)


def test_pyplot_is_not_even_loaded_for_a_given_ax():
    """A process that draws on its own figure never meets pyplot and its global state."""
    script = (
        "import sys, pandas as pd; from matplotlib.figure import Figure; from doaudit import plots\n"
        "table = pd.DataFrame({'weekday': [0], 'hour': [0], 'actions': [1], 'zone': ['UTC']})\n"
        "plots.week_pattern(table, ax=Figure().add_subplot())\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_only_plots_are_offered():
    """Completion after `doaudit.plots.` shows the plots of the registry's tables and nothing else."""
    names = sorted(table.name for table in TABLES)

    assert dir(plots) == sorted(plots.__all__) == sorted(NEEDED) == names
