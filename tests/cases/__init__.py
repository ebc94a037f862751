"""Field cases: what really arrived and what Azure answered, played through the app; README.md beside says how."""
