"""May this model serve? Triggered by the registration queue."""
