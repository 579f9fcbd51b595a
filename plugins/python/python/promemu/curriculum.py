"""Levels of difficulty: an agent is promoted when it succeeds often enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from promemu.description import Description


@dataclasses.dataclass
class Curriculum:
    """The level that an agent is on.

    Attributes:
        description: the environment, with its levels.
        success: the share of successful episodes at which it is promoted.
        window: the number of newest episodes of which the share is taken.
    """

    description: Description
    success: float = 0.8
    window: int = 20

    def __post_init__(self) -> None:
        if not self.description.levels:
            raise ValueError("the environment has no levels")
        self._place = 0
        self._newest: list[bool] = []

    @property
    def level(self) -> str:
        """The name of the level, for `reset(options={"level": …})`."""
        return self.description.levels[self._place]

    @property
    def is_last(self) -> bool:
        """True on the last level."""
        return self._place + 1 == len(self.description.levels)

    def tell(self, is_success: bool) -> bool:
        """Takes the result of an episode: `info["outcome"]["success"]`. Returns True if it is a promotion."""
        self._newest = [*self._newest, is_success][-self.window :]
        is_enough = len(self._newest) == self.window and sum(self._newest) >= self.success * self.window
        if self.is_last or not is_enough:
            return False
        self._place += 1
        self._newest = []
        return True

    def levels(self) -> Iterator[str]:
        """The names of all levels."""
        yield from self.description.levels
