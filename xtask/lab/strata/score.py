"""Scores evaluations by stratum: python3 score.py FILE [FILE ...] [--scenes]

FILE is what `cargo xtask evaluate --json FILE` wrote for scenes named <stratum>__<name>. Each
method has three columns in dB: the mean SDR gain of the mics that came in with bleed, the gain of
the worst of them, and the least SDR of a mic that came in clean, which has no gain. Below, the
worst stratum and mic of each method. Methods of several files stand side by side as FILE:method.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from typing import NamedTuple, Optional


class Mic(NamedTuple):
    """How one mic of one scene came out."""

    scene: str
    mic: int
    input_sdr_db: Optional[float]
    gain_db: Optional[float]  # None for a mic that came in clean
    clean_sdr_db: Optional[float]  # None for one that did not


def methods_of(path):
    """Name and mics of each method in one file of evaluate."""
    try:
        with open(path, encoding="utf-8") as file:
            methods = json.load(file)
        found = []
        for method in methods:
            mics = [
                Mic(
                    scene["scene"], mic["mic"], mic["input_sdr_db"], mic["sdr_gain_db"],
                    mic["clean_sdr_db"],
                )
                for scene in method["scenes"]
                for mic in scene["mics"]
            ]
            found.append((method["method"], mics))
        return found
    except OSError as error:
        sys.exit(f"score.py: {path}: {error.strerror}")
    except (ValueError, KeyError, TypeError):
        sys.exit(f"score.py: {path} is not a JSON file of cargo xtask evaluate")


def read(paths):
    """Mics of each column; a column is a method, with its file if there are several."""
    columns = {}
    for path in paths:
        stem = os.path.splitext(os.path.basename(path))[0]
        for method, mics in methods_of(path):
            column = method if len(paths) == 1 else f"{stem}:{method}"
            if column in columns:
                sys.exit(f"score.py: {column} occurs twice")
            columns[column] = mics
    if not any(columns.values()):
        sys.exit("score.py: no mics found")
    return columns


def stratum_of(scene):
    """What stands before the two underscores; the odd scenes are one each, as is any other."""
    stratum, _, name = scene.partition("__")
    return stratum if name and stratum != "odd" else scene


def mean(values):
    """The mean of those that are not None, or None."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def worst(mics):
    """The mic with the least gain, or None."""
    known = [mic for mic in mics if mic.gain_db is not None]
    return min(known, key=lambda mic: mic.gain_db, default=None)


def cleanest_hurt(mics):
    """Of the mics that came in clean, the one with the least SDR; or None."""
    known = [mic for mic in mics if mic.clean_sdr_db is not None]
    return min(known, key=lambda mic: mic.clean_sdr_db, default=None)


def show(value, form="+.1f"):
    return "-" if value is None else format(value, form)


def cell(mics):
    """Mean gain, worst gain and least clean SDR."""
    low, clean = worst(mics), cleanest_hurt(mics)
    gain = show(low and low.gain_db)
    return (
        f"{show(mean(mic.gain_db for mic in mics))} {gain:>6} "
        f"{show(clean and clean.clean_sdr_db, '.0f'):>6}"
    )


def print_table(rows, columns):
    """One line per row; `rows[row][column]` are mics."""
    first = max(map(len, [*rows, "stratum"]))
    width = max(22, max(map(len, columns)) + 2)
    titles = "".join(f"{column:>{width}}" for column in columns)
    kinds = f"{'mean  worst  clean':>{width}}" * len(columns)
    print(f"{'':{first}}  mics  SDR in {titles}")
    print(f"{'stratum':{first}}               {kinds}")

    def line(title, mics_of):
        num_mics = max(len(mics_of[column]) for column in columns)
        sdr = show(mean(mic.input_sdr_db for mic in mics_of[columns[0]]), ".1f")
        cells = "".join(f"{cell(mics_of[column]):>{width}}" for column in columns)
        print(f"{title:{first}}  {num_mics:4}  {sdr:>6} {cells}")

    for title, mics_of in rows.items():
        line(title, mics_of)
    print("-" * (first + 15 + width * len(columns)))
    line("ALL", {c: [mic for mics_of in rows.values() for mic in mics_of[c]] for c in columns})


def print_worst(rows, column):
    """The worst of one method."""
    mics = [mic for mics_of in rows.values() for mic in mics_of[column]]
    means = {title: mean(mic.gain_db for mic in mics_of[column]) for title, mics_of in rows.items()}
    means = {title: value for title, value in means.items() if value is not None}
    low, clean = worst(mics), cleanest_hurt(mics)
    if low is None:
        print(f"{column}: no mic has a gain")
        return
    title = min(means, key=means.get)
    text = f"{column}: worst stratum {title} (mean {means[title]:+.1f} dB); "
    text += f"worst mic {low.mic} of {low.scene} ({low.gain_db:+.1f} dB)"
    if clean is not None:
        text += f"; clean mic hurt most: {clean.mic} of {clean.scene}"
        text += f" (SDR {clean.clean_sdr_db:.0f} dB)"
    print(text)


def main():
    parser = argparse.ArgumentParser(description="Scores evaluations by stratum.")
    parser.add_argument("json", nargs="+", metavar="FILE", help="JSON file of evaluate")
    parser.add_argument("--scenes", action="store_true", help="one row per scene")
    options = parser.parse_args()
    columns = read(options.json)
    rows = defaultdict(lambda: defaultdict(list))
    for column, mics in columns.items():
        for mic in mics:
            row = mic.scene if options.scenes else stratum_of(mic.scene)
            rows[row][column].append(mic)
    print_table(rows, list(columns))
    print()
    for column in columns:
        print_worst(rows, column)


if __name__ == "__main__":
    main()
