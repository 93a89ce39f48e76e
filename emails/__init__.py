"""Mails: what they say, how they look, their bytes, and the way out.

A leaf: it knows no web, no database and no other room. Texts come in by a ``gettext`` callable,
addresses and secrets as values for holes, and answers of servers go out as data.
"""
