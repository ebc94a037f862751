"""The measurements: what the parts cost beside what they may, on the simulated Azure. `python -m bench` runs them."""
