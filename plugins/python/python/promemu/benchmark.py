"""Judges agents over held-out seeds: `promemu-bench`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from promemu.agents import Agent, Noop, Operator, Random, Threshold, ars, cem
from promemu.description import Description, describe
from promemu.environment import Environment

#: The first held-out seed; training has smaller ones.
HELD_OUT = 1_000_000_000


@dataclasses.dataclass
class Score:
    """An agent's episodes.

    Attributes:
        agent: its name.
        returns: the return of each episode.
        notice_secs: mean emulated seconds from the begin of a fault until it was noticed; not a number if none was.
        mend_secs: mean emulated seconds from the begin of a fault until an action ended it.
        noticed: the share of faults that were noticed.
        mended: the share of faults that an action ended.
        false_pages: false pages in an episode.
        violated: the mean share of violated objectives.
        success: the share of successful episodes.
    """

    agent: str
    returns: np.ndarray
    notice_secs: float
    mend_secs: float
    noticed: float
    mended: float
    false_pages: float
    violated: float
    success: float

    @property
    def interval(self) -> tuple[float, float]:
        """The mean return, and half of its 95 % interval by Student's t."""
        count = len(self.returns)
        half = student(count - 1) * self.returns.std(ddof=1) / math.sqrt(count) if count > 1 else math.nan
        return float(self.returns.mean()), float(half)


def evaluate(description: Description, name: str, agent: Agent, seeds: Sequence[int], level: str | None = None) -> Score:
    """Plays an episode of each seed."""
    env = Environment(description, level=level)
    returns, outcomes = [], []
    for seed in seeds:
        observation, _ = env.reset(seed=seed)
        agent.reset(description, seed)
        is_over = False
        while not is_over:
            observation, _, terminated, truncated, info = env.step(agent.act(observation))
            is_over = terminated or truncated
        returns.append(info["outcome"]["reward"])
        outcomes.append(info["outcome"])
    return _score(name, np.array(returns), outcomes)


def _score(name: str, returns: np.ndarray, outcomes: list[dict[str, Any]]) -> Score:
    def total(key: str) -> float:
        return float(sum(outcome[key] for outcome in outcomes))

    def share(part: str, of: str) -> float:
        return total(part) / total(of) if total(of) else math.nan

    return Score(
        agent=name,
        returns=returns,
        notice_secs=share("notice_secs", "noticed"),
        mend_secs=share("mend_secs", "mended"),
        noticed=share("noticed", "faults"),
        mended=share("mended", "faults"),
        false_pages=total("false_pages") / len(outcomes),
        violated=total("violated_share") / len(outcomes),
        success=total("success") / len(outcomes),
    )


def student(freedom: int) -> float:
    """The 0.975 quantile of Student's t, by the expansion of E. Cornish and R. Fisher; within 0.5 % from 4 on."""
    z, n = 1.959964, float(max(freedom, 1))
    terms = [(z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384]
    return z + sum(term / n ** (power + 1) for power, term in enumerate(terms))


def best_threshold(
    description: Description, column: str, seeds: Sequence[int], level: str | None = None
) -> Threshold:
    """The rule of a grid with the best mean return on training seeds."""
    low, high = description.ranges[description.columns.index(column)] or (0.0, 1.0)
    highs = [low + share * (high - low) for share in (0.1, 0.15, 0.2, 0.3, 0.4)]
    lows = [low + share * (high - low) for share in (0.04, 0.06, 0.08, 0.1, 0.15)]
    rules = list(Threshold.grid(column, highs, lows, [1, 4, 8]))
    means = [evaluate(description, "", rule, seeds, level).returns.mean() for rule in rules]
    return rules[int(np.argmax(means))]


def agents_of(
    description: Description, what: str, names: Sequence[str], options: argparse.Namespace
) -> list[tuple[str, Agent]]:
    """The agents of these names; those that learn are trained on seeds that are not held out."""
    made: list[tuple[str, Agent]] = []

    def report(generation: int, value: float) -> None:
        print(f"  generation {generation + 1}: {value:.2f}", file=sys.stderr)

    for name in names:
        if name == "noop":
            made.append((name, Noop()))
        elif name == "random":
            made.append((name, Random()))
        elif name == "rules":
            playbook = what
            if options.playbook is not None:
                with open(options.playbook, encoding="utf-8") as file:
                    playbook = file.read()
            made.append((name, Operator(playbook)))
        elif name == "threshold":
            rule = best_threshold(description, options.column, range(4), options.level)
            print(f"threshold: {rule}", file=sys.stderr)
            made.append((name, rule))
        elif name in ("cem", "ars"):
            print(f"{name}: training", file=sys.stderr)
            search = cem if name == "cem" else ars
            found = search(
                description,
                generations=options.generations,
                seed=options.seed,
                level=options.level,
                threads=options.threads,
                report=report,
            )
            made.append((name, found.policy))
        else:
            raise SystemExit(f"unknown agent {name!r}; expected noop, random, rules, threshold, cem or ars")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `promemu-bench`."""
    parser = argparse.ArgumentParser(prog="promemu-bench", description="Judges agents over held-out seeds.")
    parser.add_argument("environment", help="incident, autoscale, learned, a config, a model, or the path of a description")
    parser.add_argument("--agents", default="noop,random,rules", help="agents, of noop, random, rules, threshold, cem, ars")
    parser.add_argument("--seeds", type=int, default=20, help="number of held-out seeds (default: 20)")
    parser.add_argument("--level", help="the level of the curriculum (default: the first one)")
    parser.add_argument("--steps", type=int, help="steps of an episode (default: those of the environment)")
    parser.add_argument("--playbook", help="the file of the playbook of rules (default: the environment's own)")
    parser.add_argument("--column", default="latency_p95@users", help="the column of threshold (default: %(default)s)")
    parser.add_argument("--generations", type=int, default=20, help="generations of cem and ars (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of training (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="threads of training (default: %(default)s)")
    parser.add_argument("--json", help="a file for the scores")
    options = parser.parse_args(arguments)
    description = describe(options.environment, steps=options.steps)
    seeds = range(HELD_OUT, HELD_OUT + options.seeds)
    scores = []
    for name, agent in agents_of(description, options.environment, options.agents.split(","), options):
        scores.append(evaluate(description, name, agent, seeds, options.level))
        print_scores(scores[-1:], with_head=len(scores) == 1)
    if options.json is not None:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([{**dataclasses.asdict(score), "returns": score.returns.tolist()} for score in scores], file)


def print_scores(scores: Sequence[Score], with_head: bool = True) -> None:
    """Prints a line for each score."""
    if with_head:
        print(f"{'agent':<10} {'return':>18} {'noticed':>8} {'after':>7} {'mended':>7} {'after':>7}"
              f" {'false pages':>11} {'violated':>8} {'success':>7}")
    for score in scores:
        mean, half = score.interval
        print(f"{score.agent:<10} {mean:>9.2f} ± {half:>6.2f} {_percent(score.noticed):>8} {_secs(score.notice_secs):>7}"
              f" {_percent(score.mended):>7} {_secs(score.mend_secs):>7} {score.false_pages:>11.1f}"
              f" {_percent(score.violated):>8} {_percent(score.success):>7}")


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.0f} %"


def _secs(secs: float) -> str:
    return "-" if math.isnan(secs) else f"{secs:.0f} s"


if __name__ == "__main__":
    main()
