"""The ids under which Gymnasium knows the environments."""

from __future__ import annotations

from typing import Any

import gymnasium

#: The ids, with the environment of each.
IDS = {
    "promemu/Incident-v0": "incident",
    "promemu/Autoscale-v0": "autoscale",
    "promemu/Learned-v0": "learned",
}


def register() -> None:
    """Registers the ids. Importing promemu does it."""
    for name, what in IDS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                name,
                entry_point=f"promemu.registration:{what}",
                vector_entry_point=f"promemu.registration:{what}_vec",
            )


def incident(**options: Any) -> gymnasium.Env:
    """Find and mend faults of a shop."""
    return _make("incident", options)


def autoscale(**options: Any) -> gymnasium.Env:
    """As many replicas as the users of a service need."""
    return _make("autoscale", options)


def learned(**options: Any) -> gymnasium.Env:
    """A system that was learned from a recording; `model` is its file, and a small example without it."""
    return _make("learned", options)


def incident_vec(**options: Any) -> gymnasium.vector.VectorEnv:
    """Many of `incident`."""
    return _make_vec("incident", options)


def autoscale_vec(**options: Any) -> gymnasium.vector.VectorEnv:
    """Many of `autoscale`."""
    return _make_vec("autoscale", options)


def learned_vec(**options: Any) -> gymnasium.vector.VectorEnv:
    """Many of `learned`."""
    return _make_vec("learned", options)


def _make(what: str, options: dict[str, Any]) -> gymnasium.Env:
    from promemu.environment import make

    return make(what, **options)


def _make_vec(what: str, options: dict[str, Any]) -> gymnasium.vector.VectorEnv:
    from promemu.vector import make_vec

    return make_vec(what, **options)
