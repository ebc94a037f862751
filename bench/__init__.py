"""The measurements: cost of the parts against their budgets, on the simulated Azure. `python -m bench` runs them."""
