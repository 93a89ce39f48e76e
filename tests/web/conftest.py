"""The same site as the pages' tests have."""

from tests.pages.conftest import clock, database, environment, filled, keys, site, visitor

__all__ = ["clock", "database", "environment", "filled", "keys", "site", "visitor"]
