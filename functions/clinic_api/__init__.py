"""The platform's HTTP API: FastAPI behind API Gateway."""
