"""Results as text and Markdown."""

HEADER = ["", "F1", "accuracy", "agreement", "flips", "logit RMSE", "SQNR dB", "MB", "seconds to quantize"]


def cells(row):
    def number(key, form):
        return form.format(row[key]) if row.get(key) is not None else ""

    size = f"{row['bytes'] / 1e6:.1f}"
    return [
        row["name"],
        number("f1", "{:.4f}"),
        number("accuracy", "{:.4f}"),
        number("agreement", "{:.2%}"),
        number("flips", "{}"),
        number("logit_rmse", "{:.4f}"),
        number("sqnr_db", "{:.1f}"),
        size,
        number("seconds", "{:.1f}"),
    ]


def text(rows):
    table = [HEADER, *map(cells, rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADER))]
    lines = []
    for first, *rest in table:
        numbers = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *numbers]).rstrip())
    return "\n".join(lines) + "\n"


def markdown(rows):
    lines = [HEADER, ["---"] + ["---:"] * (len(HEADER) - 1), *map(cells, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
