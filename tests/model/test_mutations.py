"""The model bites: it finds each deliberate fault in the product within a few worlds."""

import pytest

from tests.model.mutation import Mutation
from tests.model.mutations import mutations
from tests.model.soak import soak_one
from tests.model.tables import Tables

#: worlds of 4,000 steps in which a mutation has to be found
WORLDS = 12


@pytest.mark.parametrize("mutation", mutations(), ids=lambda mutation: mutation.name)
def test_the_model_finds(mutation: Mutation) -> None:
    """An invariant breaks in one of the first worlds; without the mutation none does (test_world)."""
    with mutation.patched:
        seeds = range(mutation.seed, mutation.seed + WORLDS)
        worlds = (
            soak_one(seed, tables=Tables() if mutation.on_tables else None, clocks=mutation.clocks)
            for seed in seeds
        )
        found = next((each for world in worlds for each in world.found), None)
    assert "invariant" in str(found)  # and not: the mutation itself is broken
