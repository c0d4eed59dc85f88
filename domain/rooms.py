"""Who shares a room with whom, and how many rooms each night takes."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from domain.answers import Stay, in_any_order


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Somebody with a reservation; `who` begins with the name."""

    who: tuple[Any, ...]
    stay: Stay

    @property
    def key(self) -> str:
        return name_key(self.who[0])

    @property
    def wish(self) -> str:
        return name_key(self.stay.share_with)

    @property
    def nights(self) -> list[date]:
        return [
            self.stay.check_in + timedelta(days=number)
            for number in range((self.stay.check_out - self.stay.check_in).days)
        ]


def name_key(name: str) -> str:
    """What is the same whichever of somebody's names comes first, also where a comma parts them."""
    return in_any_order(name.replace(",", " "))


Partners = dict[str, list[Guest]]  # by the key of a name


def partners_of(guests: list[Guest]) -> Partners:
    found: Partners = defaultdict(list)
    for guest in guests:
        found[guest.key].append(guest)
    return dict(found)


def how_shared(guest: Guest, partners: Partners) -> str:
    """Whether the wish for a room-mate comes true: "agreed", or what is in its way."""
    if not guest.wish:
        return "nobody_named"
    named = [other for other in partners.get(guest.wish, []) if other is not guest]
    if not named:
        return "no_such_guest"
    mutual = [other for other in named if other.wish == guest.key]
    if not mutual:
        return "one_sided"
    return "agreed" if any(is_alike(guest.stay, other.stay) for other in mutual) else "apart"


def is_alike(one: Stay, other: Stay) -> bool:
    return (one.check_in, one.check_out, one.room) == (other.check_in, other.check_out, other.room)


def occupied(
    guests: list[Guest], shared: set[str], partners: Partners
) -> dict[tuple[date, str], tuple[int, int]]:
    """By night and kind of room: how many guests, and how many pairs of them that share one."""
    number: Counter[tuple[date, str]] = Counter()
    halves: Counter[tuple[date, str]] = Counter()
    for guest in guests:
        nights = [(night, guest.stay.room) for night in guest.nights]
        number.update(nights)
        if guest.stay.room in shared and how_shared(guest, partners) == "agreed":
            halves.update(nights)
    return {night: (number[night], halves[night] // 2) for night in sorted(number)}
