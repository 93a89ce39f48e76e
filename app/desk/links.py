from flask import Blueprint

links = Blueprint("links", __name__)
