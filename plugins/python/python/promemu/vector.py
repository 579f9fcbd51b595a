"""Many environments that step together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from promemu import _native
from promemu.description import ACTIONS, Description, describe

_TERMS = tuple(_native.TERMS)


class VectorEnvironment(gymnasium.vector.VectorEnv):
    """As many environments as wanted, in one call without Python's lock. Each is as it would be alone with its seed.

    Observations are float32 of (num_envs, `description.observation_len`), actions int64 of (num_envs, 2), rewards float64 of
    (num_envs,). `info` has arrays of (num_envs,): the terms of rewards, and `active_faults`. Environments whose episode has
    just ended have their `outcome`, with a mask in `_outcome`.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        description: Description,
        num_envs: int,
        *,
        seed: int | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        level: str | None = None,
        fault_seed: int | None = None,
        as_dict: bool = False,
        copy: bool = True,
        threads: int = 1,
    ) -> None:
        self.description = description
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = description.observation_space(as_dict)
        self.single_action_space = description.action_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._native = _native.Vector(
            description.native, num_envs, self.autoreset_mode.value, level, fault_seed, threads
        )
        self._next_seed = seed
        self._as_dict = as_dict
        self._copy = copy
        self._has_begun = False
        width = description.observation_len
        self._observations = np.zeros((num_envs, width), np.float32)
        is_same = self.autoreset_mode == AutoresetMode.SAME_STEP
        self._last_observations = np.zeros((num_envs if is_same else 0, width), np.float32)
        self._rewards = np.zeros(num_envs)
        self._terms = np.zeros((num_envs, len(_TERMS)))
        self._terminated = np.zeros(num_envs, bool)
        self._truncated = np.zeros(num_envs, bool)
        self._faults = np.zeros(num_envs, np.int64)
        self._all = np.ones(num_envs, bool)
        self._flat = (self._observations.reshape(-1), self._last_observations.reshape(-1), self._rewards,
                      self._terms.reshape(-1), self._terminated, self._truncated)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins episodes: environment i with the seed + i, or with its own of a list; without seeds with its next episode.

        Args:
            seed: the seed of the first environment, or one for each.
            options: `reset_mask`, a bool for each environment that begins; `level`, a level of the curriculum or `none`.
        """
        if seed is None:
            seed, self._next_seed = self._next_seed, None
        if seed is None and not self._has_begun:
            seed = int(self.np_random.integers(2**53 - self.num_envs))
        if isinstance(seed, int | np.integer):
            seed = [int(seed) + number for number in range(self.num_envs)]
        if seed is not None:
            if any(own is None for own in seed):
                raise ValueError("give a seed for each environment, or none at all")
            self._np_random, self._np_random_seed = gymnasium.utils.seeding.np_random(int(seed[0]))
        options = dict(options or {})
        mask = options.pop("reset_mask", None)
        level = options.pop("level", None)
        if options:
            raise ValueError(f"unknown options {sorted(options)}; expected reset_mask, level")
        if mask is not None:
            mask = np.asarray(mask, bool).tolist()
        self._native.reset(self._flat[0], seed, mask, level)
        self._has_begun = True
        return self._seen(self._observations), {}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """A step of all environments; `actions` has a kind and a target for each."""
        flat = np.ascontiguousarray(actions, np.int64).reshape(-1)
        ended = self._native.step(flat, *self._flat)
        self._native.active_faults(self._faults)
        results = (self._rewards, self._terminated, self._truncated)
        if self._copy:
            results = tuple(result.copy() for result in results)
        terms = self._terms.copy() if self._copy else self._terms
        faults = self._faults.copy() if self._copy else self._faults
        infos: dict[str, Any] = {}
        for number, name in enumerate(_TERMS):
            infos[f"reward_{name}"] = terms[:, number]
            infos[f"_reward_{name}"] = self._all
        infos["active_faults"], infos["_active_faults"] = faults, self._all
        if ended:
            self._tell_ends(ended, infos)
        return self._seen(self._observations), *results, infos

    def _tell_ends(self, ended: list[int], infos: dict[str, Any]) -> None:
        mask = np.zeros(self.num_envs, bool)
        mask[ended] = True
        told = {number: self._native.ended(number) for number in ended}
        outcomes: dict[str, Any] = {}
        for name, example in next(iter(told.values())).items():
            values = np.zeros(self.num_envs, type(example))
            values[ended] = [told[number][name] for number in ended]
            outcomes[name], outcomes[f"_{name}"] = values, mask
        infos["outcome"], infos["_outcome"] = outcomes, mask
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            last = np.full(self.num_envs, None, object)
            for number in ended:
                own = self._last_observations[number].copy()
                last[number] = self.description.split(own) if self._as_dict else own
            infos["final_obs"], infos["_final_obs"] = last, mask
            final = {name: values for name, values in infos.items() if name.lstrip("_") != "final_obs"}
            infos["final_info"], infos["_final_info"] = final, mask

    def _seen(self, observations: np.ndarray) -> Any:
        if self._copy:
            observations = observations.copy()
        return self.description.split(observations) if self._as_dict else observations

    def action_masks(self) -> np.ndarray:
        """Bools of (num_envs, kinds + targets): True for an action that has an effect now."""
        masks = np.zeros((self.num_envs, len(ACTIONS) + len(self.description.targets)), bool)
        self._native.masks(masks.reshape(-1))
        return masks

    def snapshot(self, number: int) -> Any:
        """A copy of an environment."""
        return self._native.snapshot(number)

    def restore(self, number: int, snapshot: Any) -> np.ndarray:
        """Has an environment go on from a copy of any environment of this vector. Returns its observation."""
        observation = np.zeros(self.description.observation_len, np.float32)
        self._native.restore(number, snapshot, observation)
        self._observations[number] = observation
        return observation


def make_vec(
    what: str | os.PathLike[str] | None = None,
    *,
    num_envs: int = 1024,
    seed: int | None = None,
    model: str | os.PathLike[str] | None = None,
    config_class: str | None = None,
    args: dict[str, Any] | None = None,
    steps: int | None = None,
    autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
    level: str | None = None,
    fault_seed: int | None = None,
    as_dict: bool = False,
    copy: bool = True,
    threads: int = 1,
) -> VectorEnvironment:
    """Many environments; see `promemu.describe` and `promemu.make` for the arguments that are not here.

    Args:
        num_envs: their number.
        seed: the seed of the first one at the first reset; the others have the next numbers.
        autoreset_mode: `NextStep`, `SameStep` or `Disabled`, as of Gymnasium 1.x.
        copy: results are arrays of their own; without it each step writes to the same ones.
        threads: threads on which they step; results do not depend on it.
    """
    description = describe(what, model=model, config_class=config_class, args=args, steps=steps)
    return VectorEnvironment(
        description,
        num_envs,
        seed=seed,
        autoreset_mode=autoreset_mode,
        level=level,
        fault_seed=fault_seed,
        as_dict=as_dict,
        copy=copy,
        threads=threads,
    )
