"""The whole stack on one machine: Azurite, the simulated Azure, and a function app under the Functions host.

Imports every room of the simulator.
Start with `stack`.
"""

from simulator.stack.run_info import RunInfo
from simulator.stack.stack import Ports, Stack

__all__ = ["Ports", "RunInfo", "Stack"]
