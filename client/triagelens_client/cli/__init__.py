"""The command `triagelens`: a person's way to the API."""

from triagelens_client.cli.app import app

__all__ = ["app"]
