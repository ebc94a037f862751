"""`python -m cli`, installed as `backup-retry`."""

import sys

_INTERRUPTED = 130


def run() -> None:
    """The entry point; whoever presses Ctrl-C while Microsoft's SDKs are still being loaded gets no traceback."""
    try:
        from cli.app import app  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    app(prog_name="backup-retry")


if __name__ == "__main__":
    run()
