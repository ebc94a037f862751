"""Azure tells us: alerts by webhook, events by Event Grid."""
