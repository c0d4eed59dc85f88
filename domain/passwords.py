"""Which passwords are too easy to guess. Knows no database."""

import re

SHORTEST = 12
COMMON = re.compile(
    "password|passwort|motdepasse|contrase[nñ]a|qwert[yz]*u*i*o*p*|azertyu*i*o*p*|abc(def)?(gh)?|welcome|bienvenue"
    "|bienvenid[oa]|convoke|organi[sz]er|conference|admin|secret|letmein|0?123(45)?(67)?(89)?0?|987654321|(19|20)[0-9]{2}"
)


def is_trivial(password: str, email: str) -> bool:
    """Whether there is next to nothing in a password but the address, one of the commonest words, or repetition."""
    name, _, domain = email.casefold().partition("@")
    rest = password.casefold()
    for word in (email.casefold(), domain, *re.split(r"\W+", f"{name} {domain}")):
        rest = rest.replace(word, "") if len(word) > 2 else rest
    rest = re.sub(r"[\W_]+", "", COMMON.sub("", re.sub(r"\s", "", rest)))
    return len(set(rest)) < 5
