"""Headers and content policy, the origin check, rate limits, organisers' sign-in, and what the service signs."""

import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from email_validator import EmailNotValidError
from flask import Flask, Response, abort, current_app, g, request, session, url_for
from flask_babel import gettext
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from limits.storage import MemoryStorage
from werkzeug import Response as WerkzeugResponse
from werkzeug.exceptions import Forbidden, HTTPException, Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix

from config import LOOPBACK, Settings
from db import connection
from domain import clock, organisers
from domain.answers import address_key
from fields import squash
from htmx import go, tell, turn_away, wants_fragment
from models import EncryptedField, LateLink, Organiser, Registration, SignIn

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
ANYBODY = "anybody"
# The right that each of the organisers' pages needs; what is not here is closed to everybody.
RIGHTS = {
    "organiser.desk": {"GET": ANYBODY},
    "organiser.session": {"GET": ANYBODY, "POST": ANYBODY},
    "organiser.session_end": {"POST": "read"},
    "access.enrolment": {"GET": ANYBODY, "POST": ANYBODY},
    "access.warning": {"GET": ANYBODY},
    "access.extension": {"POST": "read"},
    "access.proof": {"GET": "read", "POST": "read"},
    "access.account": {"GET": "read"},
    "access.end": {"POST": "read"},
    "access.recovery_codes": {"GET": "read", "POST": "read"},
    "access.password": {"GET": "read", "POST": "read"},
    "access.everybody": {"GET": "admin"},
    "organiser.registrations": {"GET": "read"},
    "dossier.show": {"GET": "read", "POST": "write"},
    "dossier.marks": {"POST": "write"},
    "dossier.add_note": {"POST": "write"},
    "dossier.note_removal": {"POST": "write"},
    "batches.new": {"GET": "write", "POST": "write"},
    "batches.show": {"GET": "read"},
    "batches.undo": {"POST": "write"},
    "organiser.registrations_csv": {"GET": "read"},
    "organiser.registrations_xlsx": {"GET": "read"},
    "organiser.registrations_json": {"GET": "admin"},
    "organiser.late_links": {"GET": "write", "POST": "write"},
    "mails.listing": {"GET": "read"},
    "mails.show": {"GET": "read"},
    "mails.body": {"GET": "read"},
    "mails.retries": {"POST": "write"},
    "mails.retry": {"POST": "write"},
    "mails.address": {"POST": "write"},
    "announcements.listing": {"GET": "read"},
    "announcements.new": {"GET": "write", "POST": "write"},
    "announcements.show": {"GET": "read"},
    "announcements.edit": {"GET": "write", "POST": "write"},
    "announcements.preview": {"GET": "read"},
    "announcements.sending": {"POST": "write"},
    "announcements.stop": {"POST": "write"},
    "log.listing": {"GET": "read"},
    "sheets.listing": {"GET": "read"},
    "sheets.show": {"GET": "read"},  # and the right of the sheet: domain/sheets.py
    "sheets.show_xlsx": {"GET": "read"},  # likewise
    "statistics.show": {"GET": "read"},
    "statistics.plot": {"GET": "read"},
}
# What pages ask for by themselves, as fragments, and the pictures in those: nobody need be sitting in front of them.
BY_ITSELF = {"access.warning", "announcements.show", "statistics.show"}
PICTURES = {"statistics.plot"}
OWN_PATH = re.compile(r"(/[\w-]+(\.\w+)?)+(\?[!-~]*)?", re.ASCII)
PROOF_LIFETIME = timedelta(minutes=10)
ENDED = "sign-in-ended"  # the event that templates/layouts/organiser.html listens to
LARGEST_BODY = 1024 * 1024  # bytes: a field of 100 kB, percent-encoded, still comes back with what was typed
FORM_KEY_LIFETIME = 30 * 24 * 3600  # seconds
ADDRESS_LIFETIME = 72 * 3600  # seconds
RECEIPT_LIFETIME = 3600  # seconds for which a receipt still tells organisation and country
FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, a POST of an older browser comes from nowhere
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "X-Convoke": "1",  # tells our answers from those of a proxy or a hotel's network (static/app.js)
}

limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, strategy="moving-window")
login_manager = LoginManager()


class Counters(MemoryStorage):
    """The limits' counters in memory, of which two requests at once would start the same timer twice."""

    STORAGE_SCHEME = ["memory"]
    _one_at_a_time = threading.Lock()

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802 - the library's own, by its private name
        with self._one_at_a_time:
            super()._MemoryStorage__schedule_expiry()  # type: ignore[misc]


class Visitor(UserMixin):
    """An organiser who has signed in; Flask-Login keeps the token of the sign-in, not the organiser's number."""

    def __init__(self, sign_in: SignIn, token: str) -> None:
        self.sign_in, self.token = sign_in, token

    @property
    def organiser(self) -> Organiser:
        return self.sign_in.organiser

    @property
    def is_proved(self) -> bool:
        """Whether password and code were given a few minutes ago."""
        proved_at = self.sign_in.proved_at
        return proved_at is not None and clock.real_now() - proved_at < PROOF_LIFETIME

    def get_id(self) -> str:
        return self.token


def init_app(app: Flask, settings: Settings) -> None:
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    secure = settings.public_url.startswith("https:")
    app.config.update(
        SECRET_KEY=settings.secret_key[0],
        SECRET_KEY_FALLBACKS=settings.secret_key[1:],
        SESSION_COOKIE_NAME="__Host-session" if secure else "session",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=200,
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_IN_MEMORY_FALLBACK="200/minute",
        TRUSTED_HOSTS=[urlsplit(settings.public_url).hostname, *LOOPBACK],
        CONTENT_SECURITY_POLICY=content_policy(settings),
        ORIGIN=origin(settings.public_url),
    )
    app.before_request(check_origin)
    app.before_request(read_input)
    app.before_request(check_rights)
    app.after_request(add_headers)
    limiter.init_app(app)
    login_manager.session_protection = (
        None  # a telephone changes its address; the token alone is the authority
    )
    login_manager.init_app(app, add_context_processor=False)  # public pages ask nobody who they are
    login_manager.user_loader(load_visitor)
    app.jinja_env.globals["may"] = may


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def content_policy(settings: Settings) -> str:
    """Only our own files, and of the network that delivers htmx only this one file."""
    return (
        f"default-src 'none'; script-src 'self' {settings.htmx_url}; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def add_headers(response: Response) -> Response:
    for name, value in FIXED_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", current_app.config["CONTENT_SECURITY_POLICY"])
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    if not response.headers.get("Cache-Control"):
        response.cache_control.no_store = True
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def check_origin() -> None:
    """Refuse what another site sends in a visitor's name.

    Browsers say in Sec-Fetch-Site where a request comes from, older ones in Origin; a program that says neither acts
    for nobody but itself.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            abort(403)
    elif request.headers.get("Origin") not in (None, current_app.config["ORIGIN"], origin(request.host_url)):
        abort(403)


def read_input() -> None:
    """Read what came before anything depends on it.

    Raw bytes in a query are no query (RFC 3986 has ASCII only) and would break whoever reads it. A body that is too
    large has to be refused here: the limits read forms too, and would take it for trouble with their counters.
    """
    if not request.query_string.isascii():
        request.query_string = b""
    _ = request.form


def check_rights() -> WerkzeugResponse | None:
    """Show and do for organisers what their roles allow, and nothing that RIGHTS does not name."""
    if not (request.url_rule and request.url_rule.rule.startswith("/organiser")):
        return None
    method = "GET" if request.method in SAFE_METHODS else request.method
    needed = RIGHTS.get(str(request.endpoint), {}).get(method, "")
    if needed == ANYBODY:
        return None
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    demand(needed)
    return None


def demand(right: str) -> None:
    """Refuse whoever has not a right, where a page needs more than RIGHTS can say."""
    if not may(right):
        raise Forbidden(
            gettext("Your role does not allow this. An organiser with the role “admin” may do it.")
        )


def may(right: str) -> bool:
    """Whether whoever looks at this is signed in and has a right."""
    return current_user.is_authenticated and right in organisers.rights_of(current_user.organiser)


def by_address() -> str:
    """Count for each e-mail address that is typed, however it is spelt; hashed, so that the counters hold none."""
    given = squash(request.form.get("email"))
    try:
        given = address_key(given)
    except EmailNotValidError:
        given = given.casefold()
    return "address:" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()


def by_organiser() -> str:
    """Count for each organiser who has signed in, whatever else the form says."""
    return f"organiser:{current_user.organiser.id}"


def retry_after() -> int:
    """Seconds until the limit that was met lets somebody through again."""
    return max(1, int(limiter.current_limit.reset_at - time.time())) if limiter.current_limit else 60


def needs_code() -> bool:
    """Whether nobody signs in with a password alone. In a rehearsal there may be no app to show a code."""
    return not current_app.extensions["settings"].is_rehearsal


def sign_in(organiser: Organiser) -> None:
    """Start a sign-in in a fresh session: nothing of the visitor's earlier session goes on."""
    lang = session.get("lang")
    session.clear()
    g.pop("csrf_token", None)  # Flask-WTF keeps the old session's for the rest of this request
    if lang:
        session["lang"] = lang
    token = organisers.sign_in(organiser, browser())
    row = organisers.signed_in(token)
    if row:
        login_user(Visitor(row, token))


def browser() -> str:
    """Browser and system in a few words, by which people recognise their own; never what would tell two apart."""
    names = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "FxiOS": "Firefox", "Chrom": "Chrome"}
    names |= {"CriOS": "Chrome", "Safari/": "Safari"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows"}
    systems |= {"Mac OS": "macOS", "Linux": "Linux"}
    told = str(request.user_agent)
    found = (next((kinds[sign] for sign in kinds if sign in told), "") for kinds in (names, systems))
    return ", ".join(filter(None, found))


def sign_out() -> None:
    organisers.sign_out(current_user.token, current_user.organiser)
    logout_user()


def load_visitor(token: str) -> Visitor | None:
    """Whose sign-in this is. Somebody who asks for a page is there, and may stay for another half hour."""
    with connection():
        row = organisers.signed_in(token)
        if row and not is_made_by_the_page():
            organisers.note_activity(row)
    return Visitor(row, token) if row else None


def is_made_by_the_page() -> bool:
    return request.endpoint in PICTURES or (request.endpoint in BY_ITSELF and wants_fragment())


def ask_to_sign_in() -> WerkzeugResponse:
    """Lead to the sign-in page, and from there back to what was asked for; what was typed and sent is not lost."""
    if request.method in SAFE_METHODS:
        here = request.full_path.rstrip("?") if request.method == "GET" else None
        return turn_away(url_for("organiser.session", next=here))
    if wants_fragment():
        return tell(ENDED)
    if request.blueprint == "access" or request.endpoint == "organiser.session_end":
        return go(url_for("organiser.session"))
    raise Unauthorized  # views/errors.py holds what was typed


def freshly_proved(view: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for password and code before a view, unless they were given within the last minutes."""

    @wraps(view)
    def answer(*given: Any, **named: Any) -> Any:
        return ask_for_proof() or view(*given, **named)

    return answer


def ask_for_proof() -> WerkzeugResponse | None:
    """The way to the page that asks for password and code, unless they were given within the last minutes."""
    if current_user.is_proved:
        return None
    return go(url_for("access.proof", next=request.full_path.rstrip("?")))


def is_own_page(path: str, method: str = "GET") -> bool:
    """Whether a path is that of a page of the organisers that needs a sign-in: never another site's."""
    if not OWN_PATH.fullmatch(path):
        return False
    try:
        endpoint, _ = current_app.url_map.bind("").match(path.partition("?")[0], method=method)
    except HTTPException:
        return False
    return RIGHTS.get(endpoint, {}).get(method, ANYBODY) != ANYBODY


def local_target(path: str | None) -> str:
    """Where to go after signing in: to what was asked for, or to the list."""
    return path if path and is_own_page(path) else url_for("organiser.registrations")


def seal_secret(secret: str, token: str) -> str:
    """The secret that an enrolment page offers, as it travels with its form: for one link, and nobody else's choice."""
    return EncryptedField.keys.encrypt(json.dumps([digest(token), secret]).encode()).decode()


def open_secret(sealed: str, token: str) -> str | None:
    try:
        given_for, secret = json.loads(EncryptedField.keys.decrypt(sealed.encode()))
    except (InvalidToken, ValueError):
        return None
    return str(secret) if given_for == digest(token) else None


def signer(salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(signing_keys(), salt=salt)


def signing_keys() -> list[str]:
    """The keys, newest last, as itsdangerous wants them: the last one signs, each one verifies."""
    return [*reversed(current_app.config["SECRET_KEY_FALLBACKS"]), current_app.config["SECRET_KEY"]]


def link_token(registration: Registration) -> str:
    return str(signer("private-link").dumps([registration.public_id, registration.link_version]))


def read_link(token: str) -> tuple[str, int]:
    """The public id and the version in a private link. Raises BadData for a link that is not ours."""
    public_id, version = signer("private-link").loads(token)
    return str(public_id), int(version)


def address_token(registration: Registration) -> str:
    """What confirms a new e-mail address. It names the address by its hash: tokens stand in addresses of pages."""
    given = [registration.public_id, registration.link_version, digest(registration.pending_email)]
    return str(address_tokens().dumps(given))


def address_tokens() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_keys(), salt="new-address")


def read_address(token: str) -> tuple[str, int, str]:
    """Public id, link version and the hash of the address. Raises BadData for a token that is not ours or too old."""
    public_id, version, hashed = address_tokens().loads(token, max_age=ADDRESS_LIFETIME)
    return str(public_id), int(version), str(hashed)


def digest(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()[:32]


def late_token(link: LateLink) -> str:
    return str(signer("late-link").dumps(link.public_id))


def read_late(token: str) -> str:
    """The public id in a late link. Raises BadData for a token that is not ours."""
    return str(signer("late-link").loads(token))


def receipt(reference: str, *, organisation: str = "", country: str = "") -> str:
    """What the page after a registration knows. Encrypted, because it stands in the address of that page."""
    content = {"receipt": reference, "organisation": organisation, "country": country}
    return EncryptedField.keys.encrypt(json.dumps(content).encode()).decode()


def read_receipt(token: str) -> dict[str, str]:
    """The content of a receipt: `receipt` is the reference. Raises BadData for one that is not ours.

    Addresses of pages stay in a browser's history; after an hour this one opens nothing but the reference.
    """
    try:
        content = json.loads(EncryptedField.keys.decrypt(token))
        made_at = EncryptedField.keys.extract_timestamp(token)
    except (InvalidToken, ValueError) as error:
        raise BadData("no receipt") from error
    if not isinstance(content, dict) or "receipt" not in content:
        raise BadData("no receipt")
    return content if time.time() - made_at < RECEIPT_LIFETIME else {"receipt": content["receipt"]}


def new_form_key() -> str:
    """A key for one form: whatever is sent with it twice is one registration."""
    return str(form_keys().dumps(secrets.token_urlsafe(16)))


def is_form_key(token: str) -> bool:
    try:
        form_keys().loads(token, max_age=FORM_KEY_LIFETIME)
    except BadData:
        return False
    return True


def form_keys() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_keys(), salt="form-key")
