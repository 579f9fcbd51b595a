"""Agents that do not learn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from promemu import _native
from promemu.description import ACTIONS, Description


class Agent(Protocol):
    """Something that acts on observations of one environment."""

    def reset(self, description: Description, seed: int) -> None:
        """Begins an episode; `seed` is for the agent's own draws."""

    def act(self, observation: np.ndarray) -> np.ndarray:
        """The action, two int64, on an observation of float32."""


class Noop:
    """Does nothing."""

    def reset(self, description: Description, seed: int) -> None:
        """See `Agent`."""

    def act(self, observation: np.ndarray) -> np.ndarray:
        """See `Agent`."""
        return np.zeros(2, np.int64)


class Random:
    """Does anything that has an effect, or nothing, each as often."""

    def reset(self, description: Description, seed: int) -> None:
        """See `Agent`."""
        self._random = np.random.default_rng(seed)
        self._kinds = [ACTIONS.index("noop")] + [ACTIONS.index(name) for name in description.actions if name != "noop"]
        self._targets = len(description.targets)

    def act(self, observation: np.ndarray) -> np.ndarray:
        """See `Agent`."""
        return np.array([self._random.choice(self._kinds), self._random.integers(self._targets)], np.int64)


class Threshold:
    """Scales up while a column is above a value, and down while it is below another one, at most every `wait` steps.

    Args:
        column: the name of the column.
        high: the value above which it scales up, in the column's unit.
        low: the value below which it scales down.
        wait: steps from one action to the next one at least.
    """

    def __init__(self, column: str, high: float, low: float, wait: int = 1) -> None:
        self.column, self.high, self.low, self.wait = column, high, low, wait

    def reset(self, description: Description, seed: int) -> None:
        """See `Agent`."""
        self._place = description.columns.index(self.column)
        bounds = description.ranges[self._place]
        if bounds is None:
            raise ValueError(f"column {self.column!r} has no range")
        self._bounds = bounds
        self._mask = len(description.columns) + self._place
        self._waits = 0

    def act(self, observation: np.ndarray) -> np.ndarray:
        """See `Agent`."""
        self._waits -= 1
        low, high = self._bounds
        value = low + float(observation[self._place]) * (high - low)
        if observation[self._mask] < 0.5 or self._waits > 0 or self.low <= value <= self.high:
            return np.zeros(2, np.int64)
        self._waits = self.wait
        return np.array([ACTIONS.index("scale_up" if value > self.high else "scale_down"), 0], np.int64)

    def __repr__(self) -> str:
        return f"Threshold({self.column!r}, high={self.high}, low={self.low}, wait={self.wait})"

    @staticmethod
    def grid(
        column: str, highs: list[float], lows: list[float], waits: list[int]
    ) -> Iterator[Threshold]:
        """A rule for each combination in which the lower value is the lower one."""
        for high, low, wait in itertools.product(highs, lows, waits):
            if low < high:
                yield Threshold(column, high, low, wait)


class Operator:
    """Follows a playbook in RON, or the one of a shipped environment by its name."""

    def __init__(self, playbook: str) -> None:
        self.playbook = playbook
        self._made: tuple[Description, object] | None = None

    def reset(self, description: Description, seed: int) -> None:
        """See `Agent`."""
        if self._made is None or self._made[0] is not description:
            self._made = (description, _native.Operator(description.native, self.playbook))
        self._operator = self._made[1]
        self._operator.reset()

    def act(self, observation: np.ndarray) -> np.ndarray:
        """See `Agent`."""
        return np.array(self._operator.act(observation), np.int64)
