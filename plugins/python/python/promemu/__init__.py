"""Environments of operations for agents: worlds of metrics that can be acted on.

A config of promemu is a world of hosts with metrics; a dynamics model is one that was learned from a recording. Either is an
environment here: it is observed, acted on, disturbed by faults, and judged by a reward.

>>> import promemu
>>> env = promemu.make("incident")
>>> observation, info = env.reset(seed=7)
>>> observation, reward, terminated, truncated, info = env.step([0, 0])

With this import `gymnasium.make` knows `promemu/Incident-v0`, `promemu/Autoscale-v0` and `promemu/Learned-v0`.
"""

from promemu import _native
from promemu.description import ACTIONS, Description, describe
from promemu.environment import Environment, make
from promemu.frames import export, test, truth
from promemu.registration import register
from promemu.vector import VectorEnvironment, make_vec

__all__ = [
    "ACTIONS",
    "Description",
    "Environment",
    "VectorEnvironment",
    "describe",
    "export",
    "make",
    "make_vec",
    "register",
    "test",
    "truth",
]
__version__ = _native.VERSION

register()
