"""Protection of the workroom's forms; public forms have no session to protect and are exempt (C24)."""

from flask_wtf.csrf import CSRFProtect

csrf = CSRFProtect()
