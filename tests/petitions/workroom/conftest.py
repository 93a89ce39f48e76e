"""The same workroom as the staff's tests have."""

from tests.staff.workroom import (
    clock,
    database,
    furnished,
    guarded,
    keys,
    settings,
    signed_in,
    site,
)

__all__ = ["clock", "database", "furnished", "guarded", "keys", "settings", "signed_in", "site"]
