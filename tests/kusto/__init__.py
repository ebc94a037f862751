"""Microsoft's own analyzer of the Kusto Query Language, run by the Node that came from PyPI."""
