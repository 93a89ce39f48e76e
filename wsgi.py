"""The web process: ``granian --interface wsgi wsgi:app``; ``flask --app wsgi`` finds the commands."""

from app.factory import create_app

app = create_app()
