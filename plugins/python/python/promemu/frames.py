"""Samples of runs as data frames, the truth about them, and verdicts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import numpy as np

from promemu import _native
from promemu.description import _as_text, _use_plugins

#: The start of runs without another one: 2026-01-05T00:00:00Z, in seconds since the Unix epoch.
START = 1_767_571_200.0


def export(
    config: str | os.PathLike[str],
    *,
    args: dict[str, Any] | None = None,
    config_class: str | None = None,
    seed: int = 1,
    start: float = START,
    lasts: float = 3600.0,
    step: float = 15.0,
    no_faults: bool = False,
    format: str = "numpy",
) -> Any:
    """The samples of a run of a config in virtual time, as scrapes see them.

    Args:
        config: its name, or the path of its file.
        args: its arguments.
        config_class: its class.
        seed: its seed.
        start: its start, in seconds since the Unix epoch.
        lasts: its length in emulated seconds.
        step: emulated seconds between two scrapes.
        no_faults: leaves out all faults.
        format: `numpy`, a dictionary of columns; or `arrow`, `pandas` or `polars`, if they are installed.

    Returns:
        A row for each sample: `timestamp` (milliseconds since the Unix epoch), `metric`, `labels` (as in a query), `value`.
    """
    _use_plugins()
    given = {name: _as_text(value) for name, value in (args or {}).items()}
    found = _native.samples(os.fspath(config), config_class, given, seed, (start, lasts, step), no_faults)
    return framed(found, format)


def framed(found: tuple[Any, ...], format: str) -> Any:
    """Columns of samples in this format."""
    timestamps, series, values, metrics, labels = found
    texts = [",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in own) for own in labels]
    if format == "numpy":
        return {
            "timestamp": timestamps,
            "metric": np.array(metrics, dtype=object)[series] if metrics else np.array([], dtype=object),
            "labels": np.array(texts, dtype=object)[series] if texts else np.array([], dtype=object),
            "value": values,
        }
    if format not in ("arrow", "pandas", "polars"):
        raise ValueError(f"unknown format {format!r}; expected numpy, arrow, pandas or polars")
    if format == "arrow":
        import pyarrow

        def column(of: list[str]) -> Any:
            return pyarrow.DictionaryArray.from_arrays(pyarrow.array(series.astype(np.int32)), pyarrow.array(of))

        names = ["timestamp", "metric", "labels", "value"]
        stamps = pyarrow.array(timestamps).cast(pyarrow.timestamp("ms", tz="UTC"))
        return pyarrow.table([stamps, column(metrics), column(texts), pyarrow.array(values)], names=names)
    columns = framed(found, "numpy")
    if format == "pandas":
        import pandas

        columns["timestamp"] = pandas.to_datetime(columns["timestamp"], unit="ms", utc=True)
        return pandas.DataFrame(columns)
    import polars

    frame = polars.DataFrame({
        "timestamp": timestamps,
        "metric": columns["metric"].tolist(),
        "labels": columns["labels"].tolist(),
        "value": values,
    })
    return frame.with_columns(polars.col("timestamp").cast(polars.Datetime("ms", "UTC")))


def truth(
    config: str | os.PathLike[str],
    *,
    args: dict[str, Any] | None = None,
    config_class: str | None = None,
    seed: int = 1,
    start: float = START,
    lasts: float = 3600.0,
) -> list[dict[str, Any]]:
    """The phases and faults of a run of a config that begin within it, in order: `type`, `id`, `kind`, `target`, `root`,
    `begin`, `end` (RFC 3339), `begin_unix`, `end_unix` (seconds), `alerts`."""
    _use_plugins()
    given = {name: _as_text(value) for name, value in (args or {}).items()}
    lines = _native.truth(os.fspath(config), config_class, given, seed, (start, lasts))
    return [json.loads(line) for line in lines]


def test(
    config: str | os.PathLike[str],
    *flags: str,
    args: dict[str, Any] | None = None,
    program: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Judges the verdicts of a config, as `promemu test` does, and returns its report.

    Args:
        config: its name, or the path of its file.
        flags: flags of `promemu test`, as `--rules`, `rules.yml`.
        args: arguments of the config.
        program: the program promemu; the one on the PATH by default.

    Returns:
        The report of `--json`, with the program's exit code as `exit_code`: 0 if all passed, 3 if one failed, 1 if one could
        not be decided.
    """
    found = program or shutil.which("promemu")
    if found is None:
        raise FileNotFoundError("promemu is not on the PATH; install it, or give its path as program")
    given = [f"{name}={_as_text(value)}" for name, value in (args or {}).items()]
    command = [os.fspath(found), "test", os.fspath(config), *given, "--json", "-", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise RuntimeError(f"promemu test ended with exit code {done.returncode}: {done.stderr.strip()}") from None
    report["exit_code"] = done.returncode
    return report
