"""The adapters: the only place in the engine's package that knows Microsoft's SDKs."""
