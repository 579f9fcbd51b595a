"""Searches for linear policies: the cross-entropy method, and augmented random search. Both in numpy alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from promemu.agents.linear import LinearPolicy
from promemu.description import Description
from promemu.vector import VectorEnvironment


@dataclasses.dataclass
class Trained:
    """A policy that was found.

    Attributes:
        policy: the policy.
        returns: the mean return of each generation's candidates.
        best: the mean return of its best ones.
    """

    policy: LinearPolicy
    returns: list[float]
    best: list[float]


#: Is told the number of the generation and its mean return.
Report = Callable[[int, float], None]


def cem(
    description: Description,
    *,
    generations: int = 20,
    candidates: int = 48,
    elite: float = 0.2,
    episodes: int = 4,
    seed: int = 0,
    level: str | None = None,
    start: np.ndarray | None = None,
    spread: float = 1.0,
    threads: int = 1,
    report: Report | None = None,
) -> Trained:
    """The cross-entropy method (R. Rubinstein, 1999): draws weights, and fits the next draw to the best of them.

    Each generation has `episodes` seeds of its own, the same ones for all of its candidates.

    Args:
        generations: number of draws.
        candidates: policies of a draw.
        elite: the share of them that the next draw is fitted to.
        episodes: episodes in which each is judged.
        seed: the seed of draws; training episodes have seeds from `1000 · (seed + 1)` on.
        level: the level of the curriculum.
        start: the weights in the middle of the first draw.
        spread: their deviation there.
        threads: threads for environments.
        report: is called after each generation.
    """
    policy = LinearPolicy(description)
    random = np.random.default_rng(seed)
    mean = np.zeros(policy.size) if start is None else np.asarray(start, float).copy()
    deviation = np.full(policy.size, spread)
    vector = VectorEnvironment(
        description, candidates * episodes, level=level, autoreset_mode="Disabled", copy=False, threads=threads
    )
    _fit_scale(vector, policy, seed)
    count = max(2, round(elite * candidates))
    found = Trained(policy, [], [])
    for generation in range(generations):
        drawn = mean + deviation * random.standard_normal((candidates, policy.size))
        drawn[0] = mean
        seeds = _seeds(seed, generation, episodes)
        returns = _returns(vector, policy, drawn, seeds)
        best = drawn[np.argsort(-returns, kind="stable")[:count]]
        mean, deviation = best.mean(axis=0), best.std(axis=0) + 0.3 * spread * 0.8**generation
        found.returns.append(float(returns.mean()))
        found.best.append(float(np.sort(returns)[-count:].mean()))
        if report is not None:
            report(generation, found.best[-1])
    policy.weights = mean
    return found


def ars(
    description: Description,
    *,
    generations: int = 30,
    directions: int = 16,
    top: int = 8,
    step: float = 0.3,
    noise: float = 0.3,
    episodes: int = 4,
    seed: int = 0,
    level: str | None = None,
    start: np.ndarray | None = None,
    threads: int = 1,
    report: Report | None = None,
) -> Trained:
    """Augmented random search (H. Mania, A. Guy and B. Recht, 2018): steps along random directions by the difference of returns.

    Args:
        generations: number of steps.
        directions: directions of a step, each tried both ways.
        top: those of them that count: the ones with the best returns.
        step: the length of a step.
        noise: the length of a try.
        episodes: episodes in which each try is judged.
        seed: the seed of directions; training episodes have seeds from `1000 · (seed + 1)` on.
        level: the level of the curriculum.
        start: the weights at the start.
        threads: threads for environments.
        report: is called after each step.
    """
    policy = LinearPolicy(description)
    random = np.random.default_rng(seed)
    weights = np.zeros(policy.size) if start is None else np.asarray(start, float).copy()
    vector = VectorEnvironment(
        description, 2 * directions * episodes, level=level, autoreset_mode="Disabled", copy=False, threads=threads
    )
    _fit_scale(vector, policy, seed)
    found = Trained(policy, [], [])
    for generation in range(generations):
        tried = random.standard_normal((directions, policy.size))
        both = np.concatenate([weights + noise * tried, weights - noise * tried])
        returns = _returns(vector, policy, both, _seeds(seed, generation, episodes))
        up, down = returns[:directions], returns[directions:]
        order = np.argsort(-np.maximum(up, down), kind="stable")[:top]
        deviation = np.concatenate([up[order], down[order]]).std() + 1e-9
        weights = weights + step / (top * deviation) * ((up - down)[order] @ tried[order])
        found.returns.append(float(returns.mean()))
        found.best.append(float(np.maximum(up, down)[order].mean()))
        if report is not None:
            report(generation, found.best[-1])
    policy.weights = weights
    return found


def _seeds(seed: int, generation: int, episodes: int) -> list[int]:
    first = 1000 * (seed + 1) + generation * episodes
    return list(range(first, first + episodes))


def _fit_scale(vector: VectorEnvironment, policy: LinearPolicy, seed: int) -> None:
    """Scales features by episodes of chance: half of the environments do anything, a tenth of the time."""
    random = np.random.default_rng(seed + 1)
    count = vector.num_envs
    observations, _ = vector.reset(seed=range(1000 * seed, 1000 * seed + count))
    seen = []
    for step in range(vector.description.steps):
        actions = np.zeros((count, 2), np.int64)
        acts = random.random(count) < 0.1
        acts[: count // 2] = False
        actions[acts, 0] = random.choice(policy.kinds, acts.sum())
        actions[acts, 1] = random.integers(len(vector.description.targets), size=acts.sum())
        observations = vector.step(actions)[0]
        if step % 8 == 0:
            seen.append(observations.copy())
    policy.fit_scale(np.concatenate(seen))


def _returns(
    vector: VectorEnvironment, policy: LinearPolicy, weights: np.ndarray, seeds: Sequence[int]
) -> np.ndarray:
    """The mean return of each row of weights over episodes of these seeds."""
    candidates, episodes = len(weights), len(seeds)
    own = np.repeat(weights, episodes, axis=0)
    observations, _ = vector.reset(seed=[seed for _ in range(candidates) for seed in seeds])
    returns = np.zeros(candidates * episodes)
    for _ in range(vector.description.steps):
        observations, rewards, *_ = vector.step(policy.act_all(observations, own))
        returns += rewards
    return returns.reshape(candidates, episodes).mean(axis=1)
