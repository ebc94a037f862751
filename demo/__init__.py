"""One bad night: the real function app carries a simulated estate through it, and every outcome is checked."""
