"""The command line: what an administrator looks at, asks and stops from a terminal."""
