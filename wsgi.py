"""The application object for a WSGI server: `granian --interface wsgi wsgi:app`."""

from examapp.app import create_app_from_env

app = create_app_from_env()
