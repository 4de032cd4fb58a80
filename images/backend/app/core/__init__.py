"""Settings, database, security and logging."""
