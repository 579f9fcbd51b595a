"""Environments by their names, configs, models and descriptions."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from promemu import _native

#: Names of the kinds of actions, in the order of their numbers.
ACTIONS: tuple[str, ...] = tuple(_native.KINDS)
#: The model of `promemu/Learned-v0` without another one: a web server whose load an action limits.
EXAMPLE_MODEL = Path(__file__).with_name("example.promemu-model")


@functools.cache
def _use_plugins() -> None:
    """Has configs find plugins: in the folders of PME_PLUGINS_DIR, and in this package, whose native module is one."""
    given = os.environ.get("PME_PLUGINS_DIR")
    folders = [Path(given)] if given else []
    _native.use_plugins([*folders, Path(_native.__file__).parent])


@dataclasses.dataclass(frozen=True)
class Description:
    """An environment that can be made: what it has, and its spaces.

    Attributes:
        columns: names of the observed columns, as `metric@host`.
        ranges: for each column the values that are 0 and 1 in an observation, in the metric's unit; None for one without bounds.
        alarms: names of the alarms, as `alarm@host`.
        targets: names of what is acted on; one empty name for the system as a whole.
        actions: names of the kinds of actions that have an effect here.
        faults: kinds of faults that may come.
        levels: levels of the curriculum, the easiest first.
        step_secs: emulated seconds of a step.
        steps: steps of an episode.
        start_unix: emulated time at which the system starts, in seconds since the Unix epoch.
    """

    columns: tuple[str, ...]
    ranges: tuple[tuple[float, float] | None, ...]
    alarms: tuple[str, ...]
    targets: tuple[str, ...]
    actions: tuple[str, ...]
    faults: tuple[str, ...]
    levels: tuple[str, ...]
    step_secs: float
    steps: int
    start_unix: float
    success: float
    text: str
    native: Any = dataclasses.field(repr=False)

    @property
    def observation_len(self) -> int:
        """The length of an observation: scaled columns, masks, alarms."""
        return 2 * len(self.columns) + len(self.alarms)

    def observation_space(self, as_dict: bool = False) -> spaces.Space:
        """Box of float32 in 0..1, or a Dict of `metrics` and `masks` (columns) and `alarms`."""
        if not as_dict:
            return spaces.Box(0.0, 1.0, (self.observation_len,), np.float32)
        columns = len(self.columns)
        return spaces.Dict({
            "metrics": spaces.Box(0.0, 1.0, (columns,), np.float32),
            "masks": spaces.Box(0.0, 1.0, (columns,), np.float32),
            "alarms": spaces.Box(0.0, 1.0, (len(self.alarms),), np.float32),
        })

    def action_space(self) -> spaces.MultiDiscrete:
        """A kind of action, and a target."""
        return spaces.MultiDiscrete(np.array([len(ACTIONS), len(self.targets)], dtype=np.int64))

    def split(self, observation: np.ndarray) -> dict[str, np.ndarray]:
        """The parts of an observation, or of a batch of them with the environments first."""
        columns = len(self.columns)
        return {
            "metrics": observation[..., :columns],
            "masks": observation[..., columns : 2 * columns],
            "alarms": observation[..., 2 * columns :],
        }


def describe(
    what: str | os.PathLike[str] | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    config_class: str | None = None,
    args: dict[str, Any] | None = None,
    steps: int | None = None,
) -> Description:
    """The environment of this name.

    Args:
        what: `incident`, `autoscale`, `learned`; the path of a file with a description (`Environment(…)`), its text, or the
            path of a model; or the name or path of any config.
        model: the path of a dynamics model, as `promemu fit --dynamics` writes it.
        config_class: the class of a config.
        args: arguments of the config.
        steps: steps of an episode, in place of the description's.
    """
    _use_plugins()
    args = {name: _as_text(value) for name, value in (args or {}).items()}
    name = None if what is None else os.fspath(what)
    if model is not None and name in (None, "learned"):
        native = _native.Description(model=os.fspath(model), steps=steps)
    elif model is not None:
        raise ValueError(f"give either {name!r} or a model, not both")
    elif name is None:
        raise ValueError("give the name of an environment, a config or a description, or a model")
    elif name in ("incident", "autoscale"):
        native = _native.Description(environment=name, args=args, steps=steps)
    elif name == "learned":
        native = _native.Description(model=str(EXAMPLE_MODEL), steps=steps)
    elif name.endswith(".promemu-model"):
        native = _native.Description(model=name, steps=steps)
    elif (text := _description_text(name)) is not None:
        native = _native.Description(text=text, args=args, steps=steps)
    else:
        native = _native.Description(config=name, config_class=config_class, args=args, steps=steps)
    return _described(native)


def _described(native: Any) -> Description:
    facts = native.facts()
    return Description(
        columns=tuple(facts["columns"]),
        ranges=tuple(facts["ranges"]),
        alarms=tuple(facts["alarms"]),
        targets=tuple(facts["targets"]),
        actions=tuple(name for name, known in zip(ACTIONS, facts["kinds"], strict=True) if known),
        faults=tuple(facts["faults"]),
        levels=tuple(facts["levels"]),
        step_secs=facts["step_secs"],
        steps=facts["steps"],
        start_unix=facts["start_unix"],
        success=facts["success"],
        text=facts["description"],
        native=native,
    )


def _description_text(name: str) -> str | None:
    """The text of a description, given as such or by its path; None for anything else."""
    text = name
    if name.endswith(".ron") and Path(name).is_file():
        text = Path(name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("//")), "")
    return text if first.startswith("Environment(") else None


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
