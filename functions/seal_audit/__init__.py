"""Closes, signs and exports days of the audit trail."""
