"""Codes: those of an app once each, recovery codes once each, and what somebody needs besides them."""

import re
from datetime import timedelta
from functools import partial

import pyotp
import pytest
from cryptography.fernet import Fernet, MultiFernet

from db import db
from domain import clock, codes, organisers
from domain.organisers import EnrolmentOver, EnrolmentUnknown, WrongCode
from models import AuditEntry, Authenticator, Organiser, RecoveryCode, SignIn

EMAIL = "cem@example.org"
PASSWORD = "correct horse battery staple"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def shown(half_minutes: int = 0) -> str:
    """What the app shows now, or some half minutes later."""
    return str(pyotp.TOTP(SECRET).at(clock.real_now() + timedelta(seconds=30 * half_minutes)))


def enrol(token: str, **given: str) -> tuple[Organiser, list[str]]:
    return organisers.enrol(token, **{"secret": SECRET, "password": PASSWORD, "code": shown()} | given)


def sign_in(password: str = PASSWORD, code: str = "", email: str = EMAIL, **given: bool) -> bool:
    return organisers.authenticate(email, password, code, **given) is not None


def actions() -> list[str]:
    return [entry.action for entry in AuditEntry.select().order_by(AuditEntry.id)]


@pytest.fixture
def link(noon) -> str:
    """The token of cem's link."""
    return organisers.invite(EMAIL, roles=["visa"])


@pytest.fixture
def recovery(link, noon) -> list[str]:
    """cem's recovery codes, a minute after the enrolment."""
    _, fresh = enrol(link)
    noon.shift(60)
    return fresh


# Enrolling


def test_invited_organiser_cannot_sign_in_before_enrolling(link):
    for password in ("", organisers.INVITED, PASSWORD):
        assert not sign_in(password, needs_code=False)
    assert organisers.invited(link).email == EMAIL
    assert actions() == ["organiser.added"]


def test_link_is_not_stored_in_clear(link):
    assert len(link) == 43
    assert link not in str(Organiser.get().__data__)


def test_enrolled_organiser_signs_in_with_password_and_code(link, noon):
    cem, fresh = enrol(link)
    noon.shift(60)

    assert cem.email == EMAIL
    assert sign_in(code=shown())
    assert not sign_in(needs_code=False)
    assert len(set(fresh)) == 10
    assert all(re.fullmatch("([A-Z2-7]{4}-){3}[A-Z2-7]{4}", code) for code in fresh)
    assert actions() == ["organiser.added", "organiser.enrolled"]


def test_neither_secret_nor_recovery_codes_are_stored_in_clear(recovery):
    stored = str(
        [db.execute_sql(f"SELECT * FROM {table}").fetchall() for table in ("authenticator", "recovery_code")]
    )

    assert SECRET not in stored
    assert not [code for code in recovery if code in stored or codes.plain(code) in stored]
    assert Authenticator.get().secret == SECRET


def test_code_of_the_enrolment_does_not_sign_in(link):
    enrol(link)

    assert not sign_in(code=shown())


@pytest.mark.parametrize("code", ["", "000000", "abc", "١٢٣٤٥٦"])
def test_wrong_code_enrols_nobody(link, code):
    with pytest.raises(WrongCode):
        enrol(link, code=code)

    assert organisers.invited(link).email == EMAIL
    assert Authenticator.select().count() == RecoveryCode.select().count() == 0


@pytest.mark.parametrize("token", ["", "nonsense", "0" * 43])
def test_unknown_link_enrols_nobody(link, token):
    for verb in (organisers.invited, enrol):
        with pytest.raises(EnrolmentUnknown):
            verb(token)


def test_link_works_for_a_day(link, noon):
    noon.shift(timedelta(hours=24) - timedelta(seconds=1))
    assert organisers.invited(link)

    noon.shift(1)
    for verb in (organisers.invited, enrol):
        with pytest.raises(EnrolmentOver):
            verb(link)
    assert not sign_in(needs_code=False)


def test_newer_link_takes_the_place_of_the_first(link):
    newer = organisers.reset(EMAIL)

    with pytest.raises(EnrolmentUnknown):
        enrol(link)
    assert enrol(newer)


def test_second_click_gets_the_same_recovery_codes(link):
    first, second = enrol(link), enrol(link)

    assert first == second
    assert codes.left(first[0]) == 10
    assert actions() == ["organiser.added", "organiser.enrolled"]


def test_two_clicks_at_once_get_the_same_recovery_codes(link, together):
    answers = together(*[lambda: enrol(link)] * 4)

    assert len({str(fresh) for _, fresh in answers}) == 1
    assert RecoveryCode.select().count() == 10
    assert sign_in(code=answers[0][1][0])


@pytest.mark.parametrize(
    "other", [{"password": "another password"}, {"secret": pyotp.random_base32()}], ids=["password", "secret"]
)
def test_used_link_enrols_nobody_else(link, other):
    enrol(link)
    if "secret" in other:
        other["code"] = pyotp.TOTP(other["secret"]).at(clock.real_now())

    with pytest.raises(EnrolmentOver):
        enrol(link, **other)


def test_used_link_tells_the_recovery_codes_to_nobody_later(link, noon):
    enrol(link)

    noon.shift(30)

    with pytest.raises(EnrolmentOver):
        enrol(link, code=shown())
    with pytest.raises(EnrolmentOver):
        organisers.invited(link)


# Signing in


@pytest.mark.parametrize("half_minutes", [-1, 0, 1])
def test_code_may_be_half_a_minute_old_or_ahead(recovery, half_minutes):
    assert sign_in(code=shown(half_minutes))


@pytest.mark.parametrize("half_minutes", [-2, 2])
def test_code_that_is_older_or_further_ahead_is_refused(recovery, noon, half_minutes):
    noon.shift(60)

    assert not sign_in(code=shown(half_minutes))


def test_code_signs_in_once(recovery):
    assert sign_in(code=shown())

    assert not sign_in(code=shown())
    assert not sign_in(code=shown(-1))
    assert sign_in(code=shown(1))


def test_code_signs_in_once_when_it_is_tried_by_many_at_once(recovery, together):
    code = shown()

    answers = together(*[lambda: sign_in(code=code)] * 6)

    assert sorted(answers) == [False] * 5 + [True]


def test_recovery_code_signs_in_once_when_it_is_tried_by_many_at_once(recovery, together):
    answers = together(*[lambda: sign_in(code=recovery[3])] * 6)

    assert sorted(answers) == [False] * 5 + [True]
    assert RecoveryCode.select().count() == 9


def test_code_goes_by_the_real_time_in_a_rehearsal(recovery, noon):
    clock.rehearse(None)
    code = shown()
    clock.rehearse((clock.now() + timedelta(days=30)).date())

    assert sign_in(code=code)


@pytest.mark.parametrize(
    "write", [str, str.lower, lambda code: code.replace("-", " "), lambda code: f" {code} "]
)
def test_recovery_code_is_read_as_people_write_it(recovery, write):
    assert sign_in(code=write(recovery[0]))
    assert not sign_in(code=recovery[0])
    assert AuditEntry.select().order_by(AuditEntry.id.desc()).get().details == {"codes": 9}


@pytest.mark.parametrize("needs_code", [True, False])
@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"code": "000000"}, {"code": ""}, {"email": "eve@example.org"}]
)
def test_every_wrong_part_is_refused_and_uses_no_code_up(recovery, wrong, needs_code):
    for code in (shown(), recovery[0]):
        assert not sign_in(**{"code": code, "needs_code": needs_code} | wrong)
        assert sign_in(code=code)


def test_code_of_somebody_else_is_refused(recovery):
    _, bos = enrol(organisers.invite("bo@example.org", roles=["visa"]))

    assert not sign_in(code=bos[0])
    assert sign_in(code=bos[0], email="bo@example.org")


def test_organiser_without_an_app_signs_in_where_no_code_is_needed_alone(noon):
    organisers.add(EMAIL, PASSWORD)

    assert sign_in(needs_code=False)
    assert not sign_in()
    assert not sign_in(code=pyotp.TOTP(codes.NOBODYS).at(clock.real_now()))


def test_lost_field_key_leaves_the_recovery_codes(recovery, caplog):
    lost = MultiFernet([Fernet(Fernet.generate_key())]).encrypt(b'"lost"').decode()
    db.execute_sql(f"UPDATE authenticator SET secret = '{lost}'")

    assert not sign_in(code=shown())
    assert not sign_in(needs_code=False)
    assert sign_in(code=recovery[0])
    assert "authenticator.unreadable" in caplog.text


# Proving, changing, taking away


def test_proof_needs_password_and_code_and_is_in_the_log(recovery, noon):
    cem = Organiser.get()
    row = organisers.signed_in(organisers.sign_in(cem))
    noon.shift(600)
    for wrong in ({"password": "wrong", "code": shown()}, {"password": PASSWORD, "code": "000000"}):
        assert not organisers.prove(row, **wrong)
    assert SignIn.get().proved_at == row.proved_at

    assert organisers.prove(row, PASSWORD, shown())

    assert SignIn.get().proved_at == clock.real_now()
    assert actions()[-3:] == ["organiser.proof_refused", "organiser.proof_refused", "organiser.proved"]


def test_new_password_takes_the_place_of_the_old_and_ends_the_other_sign_ins(recovery, noon):
    here, elsewhere = organisers.sign_in(Organiser.get()), organisers.sign_in(Organiser.get())

    organisers.change_password(organisers.signed_in(here), "another password")

    assert (organisers.signed_in(here) is None, organisers.signed_in(elsewhere)) == (False, None)
    assert not sign_in(code=shown())
    assert sign_in("another password", shown())


def test_new_password_comes_too_late_for_somebody_who_was_reset(recovery):
    row = organisers.signed_in(organisers.sign_in(Organiser.get()))
    link = organisers.reset(EMAIL)

    organisers.change_password(row, "another password")

    assert organisers.invited(link)


def test_new_recovery_codes_take_the_place_of_the_old_and_come_twice_the_same(recovery):
    cem = Organiser.get()

    fresh = [organisers.make_codes(cem, key) for key in ("a form", "a form")]

    assert fresh[0] == fresh[1]
    assert not set(fresh[0]) & set(recovery)
    assert not sign_in(code=recovery[0])
    assert sign_in(code=fresh[0][0])
    assert codes.left(cem) == 9
    assert organisers.make_codes(cem, "another form") != fresh[0]


@pytest.mark.parametrize("keys", [["a form"], ["a form", "another form"]], ids=["one form", "two windows"])
def test_recovery_codes_made_at_once_take_each_others_place(recovery, together, keys):
    cem = Organiser.get()
    for number in range(5):
        makes = [partial(organisers.make_codes, cem, f"{key} {number}") for key in keys * 2]

        answers = together(*makes)

        kept = {row.code_hash for row in RecoveryCode.select()}
        assert kept in [{codes.digest(codes.plain(code)) for code in fresh} for fresh in answers]
        assert len({str(fresh) for fresh in answers}) == len(keys)


@pytest.mark.parametrize("verb", [organisers.reset, organisers.remove])
def test_reset_and_remove_leave_neither_app_nor_recovery_codes(recovery, verb):
    verb(EMAIL)

    assert Authenticator.select().count() == RecoveryCode.select().count() == 0
    assert not sign_in(code=shown())
    assert not sign_in(code=recovery[0])


def test_removed_organiser_may_be_invited_once_more(recovery):
    organisers.remove(EMAIL)

    link = organisers.invite(EMAIL, roles=["reader"])

    assert organisers.invited(link).roles == "reader"


def test_removed_organiser_cannot_use_a_link(link):
    organisers.remove(EMAIL)

    with pytest.raises(EnrolmentUnknown):
        enrol(link)


@pytest.mark.parametrize("here_too", [False, True])
def test_signing_out_elsewhere_spares_this_sign_in_unless_it_is_meant_too(recovery, here_too):
    cem = Organiser.get()
    here, elsewhere = organisers.sign_in(cem, "Firefox, Linux"), organisers.sign_in(cem)
    bos = organisers.sign_in(organisers.add("bo@example.org", PASSWORD))

    organisers.sign_out_elsewhere(organisers.signed_in(here), here_too=here_too)

    assert [row.browser for row in organisers.sign_ins_of(cem)] == ([] if here_too else ["Firefox, Linux"])
    assert organisers.signed_in(elsewhere) is None
    assert organisers.signed_in(bos)
    assert AuditEntry.select().order_by(AuditEntry.id.desc()).get().details == {
        "sign_ins": 2 if here_too else 1
    }


def test_last_sign_in_of_each_is_known(recovery, noon):
    cem = Organiser.get()
    organisers.sign_in(cem)
    noon.shift(60)
    organisers.sign_in(cem)
    organisers.add("bo@example.org", PASSWORD)

    assert organisers.last_sign_ins() == {cem.id: clock.now()}
