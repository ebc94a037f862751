"""We find out: the daily sweep, and the follow-up of what is open."""
