"""Rows of an error catalogue, as text."""

HEADER = "code,numeric_codes,workload,verdict,wait_hours,cause,remedy,source"


def row(code: str = "SomeError", workload: str = "VM", verdict: str = "retry", numbers: str = "") -> str:
    return f"{code},{numbers},{workload},{verdict},,It broke.,Mend it.,docs: a-page"
