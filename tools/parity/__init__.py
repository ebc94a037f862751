"""The parity report: the simulator's answers beside recorded ones, field by field."""
