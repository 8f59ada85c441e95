"""A job of the platform, run where no person watches: in a container of AWS Batch, or on a laptop."""
