"""Registering with nothing but a keyboard: every key is counted, and every place that the focus reaches is noted."""

from dataclasses import dataclass
from typing import Any

from browser import steps
from playwright.sync_api import Page

# The place of the focus: what it is, whether it can be seen, and what has to be pressed to answer. A control is known
# by its id or its markup, because a warning that comes or goes while somebody types moves all that is below it.
LOOK = """
() => {
    const stop = document.activeElement;
    const box = stop.getBoundingClientRect();
    const {outlineStyle, outlineWidth} = getComputedStyle(stop);
    const group = [...document.querySelectorAll(`input[type=radio][name="${stop.name}"]`)];
    return {
        is_page: stop === document.body,
        id: stop.id,
        name: stop.name ?? "",
        value: stop.value ?? "",
        kind: stop.type ?? "",
        control: stop.id || stop.outerHTML,
        is_seen: stop.checkVisibility({opacityProperty: true, visibilityProperty: true})
            && box.width > 1 && box.height > 1 && box.right > 0 && box.bottom > 0
            && box.left < innerWidth && box.top < innerHeight,
        has_ring: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
        options: group.map((option) => option.value),
    };
}
"""
# What somebody sees who can see: one control for each group of radio buttons, as the Tab key has it.
VISIBLE = """
() => {
    const kinds = "a[href], button:not([aria-hidden]), input, select, textarea, [tabindex='0']";
    const controls = [...document.querySelectorAll(kinds)];
    const seen = controls.filter((one) => one.type !== "hidden" && !one.disabled && one.checkVisibility());
    const first = ({name}) =>
        document.querySelector(`[name="${name}"]:checked`) ?? document.querySelector(`[name="${name}"]`);
    const stops = seen.filter((one) => one.type !== "radio" || one === first(one));
    return stops.map((one) => one.id || one.outerHTML);
}
"""
COUNTRIES = {"GB": "United Kingdom"}


@dataclass(frozen=True)
class Stop:
    """Where the focus was, with what could be seen of it."""

    is_page: bool
    id: str
    name: str
    value: str
    kind: str
    control: str
    is_seen: bool
    has_ring: bool
    options: list[str]


class Keyboard:
    """A keyboard that counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys = page, 0

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.page.keyboard.press(key)
        self.keys += times

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    def tab(self) -> Stop:
        """Go on to the next control; the parts of a date or a time are stops within one."""
        self.press("Tab")
        return self.look()

    def look(self) -> Stop:
        return Stop(**self.page.evaluate(LOOK))


def answer(keyboard: Keyboard, stop: Stop, answers: dict[str, Any]) -> None:
    """Press what somebody presses to give the answer to the question that has the focus."""
    wanted = answers.get(stop.name)
    if wanted is None:
        return
    if stop.kind == "radio":
        below = stop.options.index(wanted[0])
        keyboard.press("ArrowDown", below) if below else keyboard.press("Space")
    elif stop.kind == "checkbox":
        keyboard.press("Space", stop.value in wanted)
    elif stop.kind == "date":
        year, month, day = wanted.split("-")
        keyboard.type(month + day + year)
    elif stop.kind == "time":
        hour, minute = wanted.split(":")
        keyboard.type(f"{int(hour) % 12 or 12:02}{minute}{'PM' if int(hour) > 11 else 'AM'}")
    else:
        keyboard.type(COUNTRIES[wanted] if stop.kind == "select-one" else wanted)


def fill_in(keyboard: Keyboard, answers: dict[str, Any]) -> list[Stop]:
    """Walk from the top of the page to the button of the form and answer on the way; every stop, each control once."""
    stops: list[Stop] = []
    while not (stops and stops[-1].name == "step" and stops[-1].value == "check"):
        stop = keyboard.tab()
        assert not stop.is_page, f"the focus left the page after {stops[-1]}"
        if stops and stop.control == stops[-1].control:
            continue
        answer(keyboard, stop, answers)
        stops.append(keyboard.look())  # the arrow keys have moved on within a group
    return stops


def walk(keyboard: Keyboard) -> list[Stop]:
    """Press Tab until the focus leaves the page; every stop, each control once."""
    stops: list[Stop] = []
    while not (stop := keyboard.tab()).is_page:
        if not stops or stop.control != stops[-1].control:
            stops.append(stop)
    return stops


def visible_controls(page: Page) -> list[str]:
    """The controls that can be seen, in the order of the page."""
    steps.settle(page)
    return page.evaluate(VISIBLE)


def register(page: Page, answers: dict[str, Any]) -> int:
    """From the form to the page that says that it has arrived; the number of keys that it took."""
    keyboard = Keyboard(page)
    fill_in(keyboard, answers)
    return send(keyboard)


def send(keyboard: Keyboard) -> int:
    """Send the form whose button has the focus, and go on from the check page."""
    keyboard.press("Enter")
    steps.expect_check_page(keyboard.page)
    while (stop := keyboard.tab()).value != "send":
        assert not stop.is_page, "the button is out of reach"
    keyboard.press("Enter")
    steps.reference(keyboard.page)
    return keyboard.keys
