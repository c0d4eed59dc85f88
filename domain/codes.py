"""The codes of a sign-in: those that an authenticator app shows, each taken once, and the recovery codes."""

import hashlib
import hmac
import logging
import re
from base64 import b32encode
from dataclasses import dataclass

import pyotp
from cryptography.fernet import InvalidToken

from domain import audit, clock
from models import Authenticator, EncryptedField, Organiser, RecoveryCode

STEP = 30  # seconds for which an app shows a code
HOW_MANY = 10
NOBODYS = pyotp.random_base32()  # tried where there is no secret, so that it takes as long

log = logging.getLogger("convoke.codes")


@dataclass(frozen=True)
class Code:
    """A code that is right and was not used: that of a half minute, or a recovery code by its hash."""

    step: int = 0
    code_hash: str = ""


def new_secret() -> str:
    return pyotp.random_base32()


def address(secret: str, *, email: str, issuer: str) -> str:
    """What an app learns a secret from: its QR code holds this."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def step_of(secret: str, code: str, *, after: int = 0) -> int | None:
    """The half minute whose code this is: the present one, or the one before or after it, for clocks that differ.

    It goes by the real time: the app in somebody's hand knows nothing of a rehearsal.
    """
    now = int(clock.real_now().timestamp()) // STEP
    codes = {step: pyotp.TOTP(secret).generate_otp(step) for step in (now, now - 1, now + 1)}
    right = [step for step, shown in codes.items() if hmac.compare_digest(shown, plain(code))]
    return next((step for step in right if step > after), None)


def plain(code: str) -> str:
    """A code as it is compared: people write it with spaces and hyphens, and in small letters."""
    return re.sub("[^0-9A-Z]", "", code.upper())


def find(organiser: Organiser | None, code: str) -> Code | None:
    """A code of an organiser that was not used yet. It does the same work for nobody, and changes nothing."""
    number = organiser.id if organiser else 0
    try:
        row = Authenticator.select().where(Authenticator.organiser == number).first()
    except InvalidToken:
        log.warning("authenticator.unreadable organiser=%s", number)
        row = None
    step = step_of(row.secret if row else NOBODYS, code, after=row.step if row else 0)
    code_hash = digest(plain(code))
    is_recovery = RecoveryCode.select().where(
        RecoveryCode.organiser == number, RecoveryCode.code_hash == code_hash
    )
    if is_recovery.exists():
        return Code(code_hash=code_hash)
    return Code(step=step) if row and step else None


def use(organiser: Organiser, code: Code) -> bool:
    """Take a code, if nobody else has taken it meanwhile: the database decides who was first."""
    if code.step:
        later = (Authenticator.organiser == organiser) & (Authenticator.step < code.step)
        return Authenticator.update(step=code.step).where(later).execute() == 1
    theirs = (RecoveryCode.organiser == organiser) & (RecoveryCode.code_hash == code.code_hash)
    if RecoveryCode.delete().where(theirs).execute() != 1:
        return False
    audit.record("organiser.recovery_code_used", organiser=organiser, codes=left(organiser))
    return True


def has_app(organiser: Organiser) -> bool:
    return Authenticator.select(Authenticator.id).where(Authenticator.organiser == organiser).exists()


def recovery_codes(seed: str) -> list[str]:
    """Ten recovery codes. The same seed gives the same: a form that is sent twice changes nothing the second time."""
    key = EncryptedField.mark_keys[0]
    drawn = (
        hmac.digest(key, f"recovery {number} {seed}".encode(), "sha256")[:10] for number in range(HOW_MANY)
    )
    return ["-".join(re.findall("....", b32encode(code).decode())) for code in drawn]


def store(organiser: Organiser, codes: list[str]) -> None:
    """Let these recovery codes take the place of the earlier ones."""
    RecoveryCode.delete().where(RecoveryCode.organiser == organiser).execute()
    RecoveryCode.insert_many(
        [{"organiser": organiser, "code_hash": digest(plain(code))} for code in codes]
    ).execute()


def left(organiser: Organiser) -> int:
    return RecoveryCode.select().where(RecoveryCode.organiser == organiser).count()


def forget(organiser: Organiser) -> None:
    """Take an organiser's app and recovery codes away."""
    for table in (Authenticator, RecoveryCode):
        table.delete().where(table.organiser == organiser).execute()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
