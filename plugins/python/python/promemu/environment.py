"""One environment."""

from __future__ import annotations

import collections
import os
from typing import Any

import gymnasium
import numpy as np

from promemu import _native
from promemu.description import Description, describe

#: Observations that a picture shows.
_SHOWN = 120


class Environment(gymnasium.Env):
    """An environment of Gymnasium over a world of promemu, or over a learned system.

    An observation is a float32 array of `description.observation_len` numbers in 0..1: the columns, scaled; a mask for each,
    1 if it is there; the alarms, 1 if they fire. With `as_dict` it is a dictionary of these three parts.

    An action has two numbers: its kind (see `promemu.ACTIONS`) and its target.

    `info` of a step has the terms of the reward (`reward_objectives`, `reward_replicas`, `reward_action`,
    `reward_false_page`, `reward_missed_fault`; their sum is the reward) and, for evaluation only, the number of faults that
    are on (`active_faults`) and at the end of an episode its `outcome`.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 10}

    def __init__(
        self,
        description: Description,
        *,
        render_mode: str | None = None,
        level: str | None = None,
        fault_seed: int | None = None,
        as_dict: bool = False,
        copy: bool = True,
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"unknown render_mode {render_mode!r}; expected ansi or rgb_array")
        self.description = description
        self.render_mode = render_mode
        self.observation_space = description.observation_space(as_dict)
        self.action_space = description.action_space()
        self._native = _native.Single(description.native, level, fault_seed)
        self._step = self._native.step
        self._as_dict = as_dict
        self._buffer = None if copy else np.zeros(description.observation_len, np.float32)
        self._seed: int | None = None
        self._episodes = 0
        self._shown: collections.deque[np.ndarray] = collections.deque(maxlen=_SHOWN)
        self._is_plain = not as_dict and copy and render_mode is None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray | dict[str, np.ndarray], dict[str, Any]]:
        """Begins an episode: with a seed the first one of it, without one the next one.

        Args:
            seed: the seed of the system, and of faults if `fault_seed` is not given.
            options: `level`, a level of the curriculum or `none`; `fault_seed`, the seed of faults and noise.
        """
        super().reset(seed=seed)
        if seed is None and self._seed is None:
            seed = int(self.np_random.integers(2**53))
        if seed is not None:
            self._seed, self._episodes = seed, 0
        options = dict(options or {})
        observation = self._native.reset(seed, options.pop("level", None), options.pop("fault_seed", None))
        if options:
            raise ValueError(f"unknown options {sorted(options)}; expected level, fault_seed")
        self._episodes += 1
        self._shown.clear()
        return self._seen(observation), {"active_faults": 0}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Acts, and lets `description.step_secs` emulated seconds pass. The action is a kind and a target."""
        if self._is_plain:
            return self._step(action)
        observation, reward, terminated, truncated, info = self._step(action)
        return self._seen(observation), reward, terminated, truncated, info

    def _seen(self, observation: np.ndarray) -> Any:
        if self.render_mode == "rgb_array":
            self._shown.append(observation.copy())
        if self._buffer is not None:
            self._buffer[:] = observation
            observation = self._buffer
        return self.description.split(observation) if self._as_dict else observation

    def render(self) -> Any:
        """Lines of text, or an array of uint8 with height, width and 3 colours: a strip for each of the first columns."""
        if self.render_mode == "ansi":
            return self._native.text()
        if self.render_mode == "rgb_array":
            pixels, width, height = self._native.pixels([shown.tolist() for shown in self._shown])
            return np.frombuffer(pixels, np.uint8).reshape(height, width, 3).copy()
        return None

    def action_masks(self) -> np.ndarray:
        """A bool for each kind of action and then for each target: True if it has an effect now."""
        return self._native.masks()

    def snapshot(self) -> Any:
        """A copy of the environment, from which `restore` goes on, again and again."""
        return self._native.snapshot()

    def restore(self, snapshot: Any) -> Any:
        """Goes back, or on, to a copy of this environment. Returns its observation."""
        return self._seen(self._native.restore(snapshot))

    def numbers(self) -> dict[str, float]:
        """The observed values in their own units; not a number for one that is absent."""
        return dict(zip(self.description.columns, self._native.numbers().tolist(), strict=True))

    def truth(self) -> list[dict[str, Any]]:
        """The faults of the episode, with the steps at which they begin and end, were noticed and mended. For evaluation."""
        return self._native.truth()

    def outcome(self) -> dict[str, Any]:
        """How faults and objectives were met in the episode so far. Times are in emulated seconds."""
        return self._native.outcome()

    def export(self, step_secs: float | None = None, format: str = "numpy") -> Any:
        """The samples of the episode so far, as scrapes see them, every `step_secs` emulated seconds (a step by default).

        `format` is `numpy`, `arrow`, `pandas` or `polars`, as for `promemu.export`. Only the first episode of a seed.
        """
        from promemu.frames import framed

        if self._seed is None or self._episodes != 1:
            raise ValueError("only the first episode of a seed can be exported; call reset(seed=…)")
        return framed(self._native.samples(self._seed, step_secs or self.description.step_secs), format)


def make(
    what: str | os.PathLike[str] | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    config_class: str | None = None,
    args: dict[str, Any] | None = None,
    steps: int | None = None,
    render_mode: str | None = None,
    level: str | None = None,
    fault_seed: int | None = None,
    as_dict: bool = False,
    copy: bool = True,
) -> Environment:
    """An environment by its name; see `promemu.describe` for the first arguments.

    Args:
        render_mode: `ansi` or `rgb_array`.
        level: the level of the curriculum; `none` for no faults; the first one by default.
        fault_seed: the seed of faults and noise, in place of the system's.
        as_dict: observations are dictionaries.
        copy: observations are arrays of their own; without it each step writes to the same one.
    """
    description = describe(what, model=model, config_class=config_class, args=args, steps=steps)
    return Environment(
        description, render_mode=render_mode, level=level, fault_seed=fault_seed, as_dict=as_dict, copy=copy
    )
