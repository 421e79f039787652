"""Results as text and Markdown."""

COLUMNS = [
    ("F1", "f1", "{:.4f}"),
    ("accuracy", "accuracy", "{:.4f}"),
    ("agreement", "agreement", "{:.2%}"),
    ("flips", "flips", "{:.3g}"),
    ("rank correlation", "rank_correlation", "{:.5f}"),
    ("logit RMSE", "logit_rmse", "{:.4f}"),
    ("SQNR dB", "sqnr_db", "{:.1f}"),
    ("MB", "megabytes", "{:.1f}"),
    ("seconds to quantize", "seconds", "{:.1f}"),
]


def mean(runs):
    """The mean of every number over the runs of one contender; without those that a run lacks."""
    numbers = {key for run in runs for key, value in run.items() if isinstance(value, int | float)}
    present = {key for key in numbers if all(run.get(key) is not None for run in runs)}
    return {key: sum(run[key] for run in runs) / len(runs) for key in present}


def lines(rows):
    """The header and a line for every row: a name, and what was measured of it with each seed."""
    means = [(row["name"], mean(row["runs"])) for row in rows]
    columns = [column for column in COLUMNS if any(column[1] in values for _, values in means)]
    cells = [[form.format(values[key]) if key in values else "" for _, key, form in columns] for _, values in means]
    header = ["", *(title for title, _, _ in columns)]
    table = [header, *([name, *line] for (name, _), line in zip(means, cells, strict=True))]
    if any(len(row["runs"]) > 1 for row in rows):
        each = [", ".join(f"{run['sqnr_db']:.1f}" for run in row["runs"] if run.get("sqnr_db")) for row in rows]
        table = [[*line, cell] for line, cell in zip(table, ["SQNR dB by seed", *each], strict=True)]
    return table


def text(rows):
    table = lines(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    out = []
    for first, *rest in table:
        numbers = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        out.append("  ".join([first.ljust(widths[0]), *numbers]).rstrip())
    return "\n".join(out) + "\n"


def markdown(rows):
    header, *rest = lines(rows)
    table = [header, ["---"] + ["---:"] * (len(header) - 1), *rest]
    return "".join(f"| {' | '.join(line)} |\n" for line in table)
