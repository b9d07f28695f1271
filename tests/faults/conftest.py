"""The server that the integration tests use serves here too."""

from tests.integration.conftest import redis_url

__all__ = ["redis_url"]
