"""What Powertools reads when a handler is imported, set before any is."""

import os

os.environ.update(
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="Triagelens",
    POWERTOOLS_TRACE_DISABLED="true",
)
