"""What a person or a probe can look at."""
