"""The native part of the package. Use `promemu` in its place; this may change."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION: str
TERMS: tuple[str, ...] | list[str]
KINDS: tuple[str, ...] | list[str]

Frame = tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float64], list[str], list[list[tuple[str, str]]]]

class Description:
    """An environment that can be made."""

    def __init__(
        self,
        *,
        environment: str | None = None,
        text: str | None = None,
        config: str | None = None,
        config_class: str | None = None,
        args: dict[str, str] | None = None,
        model: str | None = None,
        steps: int | None = None,
    ) -> None: ...
    def facts(self) -> dict[str, Any]: ...

class Snapshot:
    """A copy of an environment."""

class Single:
    """One environment; observations are float32 of (observation_len,)."""

    def __init__(self, description: Description, level: str | None = None, fault_seed: int | None = None) -> None: ...
    def reset(
        self, seed: int | None = None, level: str | None = None, fault_seed: int | None = None
    ) -> NDArray[np.float32]: ...
    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]: ...
    def masks(self) -> NDArray[np.bool_]: ...
    def outcome(self) -> dict[str, Any]: ...
    def truth(self) -> list[dict[str, Any]]: ...
    def numbers(self) -> NDArray[np.float64]: ...
    def snapshot(self) -> Snapshot: ...
    def restore(self, snapshot: Snapshot) -> NDArray[np.float32]: ...
    def text(self) -> str: ...
    def pixels(self, observations: Sequence[Sequence[float]]) -> tuple[bytes, int, int]: ...
    def samples(self, seed: int, step_secs: float) -> Frame: ...

class Vector:
    """Many environments; arrays are flat, one environment behind the other."""

    def __init__(
        self,
        description: Description,
        count: int,
        autoreset: str,
        level: str | None = None,
        fault_seed: int | None = None,
        threads: int = 1,
    ) -> None: ...
    def reset(
        self,
        observations: NDArray[np.float32],
        seeds: Sequence[int] | None = None,
        mask: Sequence[bool] | None = None,
        level: str | None = None,
        fault_seed: int | None = None,
    ) -> None: ...
    def step(
        self,
        actions: NDArray[np.int64],
        observations: NDArray[np.float32],
        last_observations: NDArray[np.float32],
        rewards: NDArray[np.float64],
        terms: NDArray[np.float64],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
    ) -> list[int]: ...
    def ended(self, number: int) -> dict[str, Any] | None: ...
    def active_faults(self, counts: NDArray[np.int64]) -> None: ...
    def masks(self, masks: NDArray[np.bool_]) -> None: ...
    def snapshot(self, number: int) -> Snapshot: ...
    def restore(self, number: int, snapshot: Snapshot, observation: NDArray[np.float32]) -> None: ...

class Operator:
    """An operator that follows a playbook."""

    def __init__(self, description: Description, playbook: str) -> None: ...
    def act(self, observation: NDArray[np.float32]) -> tuple[int, int]: ...
    def reset(self) -> None: ...

def use_plugins(folders: Sequence[str | os.PathLike[str]]) -> None: ...
def configs() -> list[str]: ...
def samples(
    config: str,
    config_class: str | None,
    args: dict[str, str],
    seed: int,
    times: tuple[float, float, float],
    no_faults: bool = False,
) -> Frame: ...
def truth(
    config: str, config_class: str | None, args: dict[str, str], seed: int, times: tuple[float, float]
) -> list[str]: ...
