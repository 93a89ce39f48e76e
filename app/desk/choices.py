from flask import Blueprint

choices = Blueprint("choices", __name__)


@choices.get("/<locale:locale>/my-choices")
def ask() -> str:
    return ""
