from flask import Blueprint

mailbox = Blueprint("mailbox", __name__)


@mailbox.get("/mailbox")
def inbox() -> str:
    return ""
