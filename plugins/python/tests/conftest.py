"""The program promemu, which some tests compare with; they are skipped without it."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def program() -> str:
    """The path of the program promemu: of the variable PROMEMU, or on the PATH."""
    found = os.environ.get("PROMEMU") or shutil.which("promemu")
    if not found:
        pytest.skip("promemu is neither in the variable PROMEMU nor on the PATH")
    return found
