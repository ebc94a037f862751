"""Fixtures of the product's unit tests."""

import pytest

from tests.world import World


@pytest.fixture
def world() -> World:
    """A fresh world: one engine, an empty ledger, vaults that show nothing yet."""
    return World()
