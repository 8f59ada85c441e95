"""Checks a former password at the first sign-in: Cognito's user-migration trigger."""
