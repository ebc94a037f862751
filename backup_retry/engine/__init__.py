"""Notes failed jobs, advances incidents, triggers retries, sends notices.

Imports `ports`, `policy` and `domain`; it knows neither Azure's SDKs nor who reported a failure.
Start with `engine`: `advance` is the whole pipeline.
"""
