"""`python -m cli`, installed as `backup-retry`."""

from cli.app import app

if __name__ == "__main__":
    app(prog_name="backup-retry")
