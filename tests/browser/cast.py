"""The delegates of the organisers' pages. As a program it registers them, through the domain, with the settings given.

A process of its own: the database of the tests' own process belongs to other tests.
"""

from factories import NEEDS, PASSPORT, make_answers

from app import create_app
from db import connection
from domain.registration import register

# Names are longer than a reference, so that no search for one finds the other by chance.
ADA = {"passport": PASSPORT, "needs": NEEDS, "consents": ["affiliation", "list", "visa", "needs"]}
BO = {
    "given_names": "Bo",
    "family_name": "Güneşoğlu",
    "email": "bo@example.org",
    "organisation": "=Union, \"Nord\"",
    "country": "TR",
    "interpretation": "none",
    "days": ["2017-05-25", "2017-05-26"],
}  # fmt: skip
OTHERS = [
    {
        "given_names": "Delegate",
        "family_name": f"Number {number:02}",
        "email": f"number{number:02}@example.org",
    }
    for number in range(1, 52)
]
DELEGATES = [ADA, BO, *OTHERS]  # in the order in which they registered


def main() -> None:
    app = create_app()
    with app.test_request_context("/en/registration"), connection():
        for delegate in DELEGATES:
            answers = make_answers(**delegate)
            register(answers, lang="en", key=answers.email, desk=app.extensions["desk"])


if __name__ == "__main__":
    main()
