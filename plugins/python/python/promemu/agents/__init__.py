"""Agents to be compared with, in numpy alone.

An agent is anything with `reset()` and `act(observation, description) -> action`. It sees what environments show, and no truth.
"""

from promemu.agents.baselines import Agent, Noop, Operator, Random, Threshold
from promemu.agents.linear import LinearPolicy
from promemu.agents.search import Trained, ars, cem

__all__ = [
    "Agent",
    "LinearPolicy",
    "Noop",
    "Operator",
    "Random",
    "Threshold",
    "Trained",
    "ars",
    "cem",
]
