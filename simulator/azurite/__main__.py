"""`python -m simulator.azurite install DIR`."""

import argparse
import sys
from pathlib import Path

from simulator.azurite.install import InstallError, install


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulator.azurite")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("install", help="install Azurite's table service into a directory")
    command.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    try:
        install(arguments.directory)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
