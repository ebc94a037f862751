"""Names in commands that are to be copied: a shell takes them as they are, whatever they hold."""

import shutil
import subprocess

import pytest

from cli.shell import quoted
from tests.hooks.shells import needs_pwsh, pwsh

PLAIN = "/subscriptions/a/resourceGroups/rg-1/vault_2.x"
HOSTILE = [
    "rg (prod)",
    "$(touch /tmp/x)",
    "`id`",
    'a"b; rm -rf ~',
    "a\\b&&c|d>e",
    "%PATH% $HOME $env:PATH !!",
    "müller-京",
    "",
    " ",
]
QUOTES = ["it's", "a'; id; '", "\u2019; id; \u2019"]


@pytest.mark.parametrize("text", [PLAIN, *HOSTILE, *QUOTES])
def test_sh_takes_a_quoted_text_as_it_is(text: str) -> None:
    """One word, and nothing of it is run."""
    shell = shutil.which("sh") or "/bin/sh"
    done = subprocess.run([shell, "-c", f"printf '<%s>' {quoted(text)}"], capture_output=True, check=True)
    assert done.stdout.decode() == f"<{text}>"


@needs_pwsh
def test_powershell_takes_a_quoted_text_as_it_is() -> None:
    """All of them in one go, since it takes a second to start."""
    words = " ".join(quoted(each) for each in [PLAIN, *HOSTILE])
    script = (
        f"& {{ [Console]::OutputEncoding = [Text.Encoding]::UTF8; $args | % {{ '<' + $_ + '>' }} }} {words}"
    )
    done = subprocess.run([str(pwsh()), "-NoProfile", "-Command", script], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == [f"<{each}>" for each in [PLAIN, *HOSTILE]]


def test_what_is_plain_needs_no_quotes() -> None:
    """Most ids read as they always have."""
    assert quoted(PLAIN) == PLAIN
