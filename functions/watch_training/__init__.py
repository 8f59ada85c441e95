"""Does anybody still work on this job? Triggered by Batch's state changes and by the clock."""
