"""`python -m bench.child NAME SIZE`: one measurement; its figures as JSON on the last line."""

import asyncio
import json
import sys
from dataclasses import asdict

from bench.measurements import run

if __name__ == "__main__":
    measured = asyncio.run(run(sys.argv[1], sys.argv[2]))
    print(json.dumps([asdict(figure) for figure in measured]))
