from flask import Blueprint

petitions = Blueprint("petitions", __name__)


@petitions.get("/<locale:locale>/petitions/<slug:slug>")
def petition(slug: str) -> str:
    return slug
