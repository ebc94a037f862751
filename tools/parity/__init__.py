"""The parity report: the simulator's responses compared with recorded ones, field by field."""
