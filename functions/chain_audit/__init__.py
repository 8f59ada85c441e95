"""Links new entries of the audit trail into the day's chain."""
