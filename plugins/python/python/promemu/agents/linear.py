"""Linear policies: the action with the highest score, which is linear in the observation."""

from __future__ import annotations

import numpy as np

from promemu.description import ACTIONS, Description


class LinearPolicy:
    """Scores each kind that has an effect, on each target; the highest score acts.

    The score of a kind on a target is linear in the observation, as the target sees it: columns and alarms of the target and of
    no host, each less its `center` and divided by its `scale`. All targets share weights, so there are few of them, and what is
    learned on one is known on all. An action needs a score above `MARGIN`, or nothing is done.
    """

    #: The least score of an action.
    MARGIN = 1.0

    def __init__(self, description: Description, weights: np.ndarray | None = None) -> None:
        self.kinds = np.array([ACTIONS.index(name) for name in description.actions if name != "noop"], np.int64)
        self._views = _views(description)
        self.features = self._views.shape[1] + 1
        self.weights = np.zeros(len(self.kinds) * self.features) if weights is None else np.asarray(weights, float)
        self.center = np.zeros(self.features - 1)
        self.scale = np.ones(self.features - 1)

    @property
    def size(self) -> int:
        """Number of weights."""
        return len(self.kinds) * self.features

    def fit_scale(self, observations: np.ndarray) -> None:
        """Has features the mean 0 and the deviation 1 in these observations."""
        seen = observations[:, self._views].reshape(-1, self.features - 1).astype(float)
        self.center, self.scale = seen.mean(axis=0), seen.std(axis=0)
        # What has hardly ever changed would be blown up.
        self.scale = np.maximum(self.scale, 0.02)

    def reset(self, description: Description, seed: int) -> None:
        """See `Agent`."""

    def act(self, observation: np.ndarray) -> np.ndarray:
        """See `Agent`."""
        return self.act_all(observation[np.newaxis])[0]

    def act_all(self, observations: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """The actions on observations of many environments: int64 of (environments, 2).

        `weights` has a row for each environment in place of the policy's own.
        """
        count = len(observations)
        seen = (observations[:, self._views] - self.center) / self.scale
        seen = np.concatenate([seen, np.ones((*seen.shape[:2], 1), seen.dtype)], axis=2)
        own = self.weights if weights is None else weights
        own = own.reshape(-1, len(self.kinds), self.features)
        scores = np.matmul(seen, own.transpose(0, 2, 1))
        flat = scores.reshape(count, -1)
        best = flat.argmax(axis=1)
        targets, kinds = np.divmod(best, len(self.kinds))
        actions = np.stack([self.kinds[kinds], targets], axis=1)
        actions[flat[np.arange(count), best] <= self.MARGIN] = 0
        return actions


def _views(description: Description) -> np.ndarray:
    """For each target the places of an observation that it sees."""
    columns = len(description.columns)
    names = [*description.columns, *[""] * columns, *description.alarms]
    views = []
    for target in description.targets:
        places = []
        for place, name in enumerate(names):
            host = name.partition("@")[2]
            is_mask = columns <= place < 2 * columns
            if not is_mask and (not host or not target or host == target or host not in description.targets):
                places.append(place)
        views.append(places)
    if len({len(view) for view in views}) != 1:
        # Targets that see different columns: each sees all of them.
        views = [[*range(columns), *range(2 * columns, len(names))] for _ in description.targets]
    return np.array(views)
