from flask import Blueprint

newsletters = Blueprint("newsletters", __name__)


@newsletters.get("/<locale:locale>/newsletter")
def newsletter() -> str:
    return ""


@newsletters.get("/<locale:locale>/reports")
def archive() -> str:
    return ""
