"""Why a mail has not gone out, in plain words, told from what the mail server or the way to it said."""

import re


def N_(words: str) -> str:  # noqa: N802 - gettext's name: marked here, translated where it is shown
    return words


# The first pattern that fits. Answers of mail servers: RFC 5321, section 4.2, and RFC 3463, section 3.
REASONS = (
    (
        r"^daily limit$",
        N_("This address has had many mails today; this one waits for a day to pass."),
    ),
    (
        r"^hourly limit$",
        N_("No more mails may go out within this hour; this one goes out later."),
    ),
    (
        r"^no worker$",
        N_("It seems that nothing sends mails at present: please ask whoever runs this service."),
    ),
    (
        r"^the message has been erased$",
        N_("The words of this mail have been erased."),
    ),
    (
        r"field key is missing",
        N_("This service cannot read the mail any more: its key is missing."),
    ),
    (
        r"(Hostname|IP address) mismatch",
        N_("The certificate of our mail server is made out to another name."),
    ),
    (
        r"certificate has expired",
        N_("The certificate of our mail server has expired."),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        N_("The certificate of our mail server is of an authority that we do not know."),
    ),
    (
        r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH",
        N_("Our mail server does not speak TLS from the start on this port: is it the right one?"),
    ),
    (
        r"STARTTLS extension not supported",
        N_("Our mail server offers no encryption (STARTTLS) on this port: is it the right one?"),
    ),
    (
        r"AUTH extension not supported|No suitable authentication",
        N_("Our mail server offers no way to sign in on this port: is it the right one?"),
    ),
    (
        r"^(SMTP\w+: \()?53[08]\b.*(TLS|SSL|encrypt)",
        N_("Our mail server wants an encrypted connection: MAIL_URL has to begin with smtp+starttls://."),
    ),
    (
        r"^SMTP\w+: \(-1,",
        N_("What answers on this port is no mail server: is it the right port?"),
    ),
    (
        r"^SMTP\w+: \(4\d\d,",
        N_("The mail server asks us to try again later."),
    ),
    (
        r"^SMTPAuthenticationError",
        N_("Our mail server does not accept our name and password."),
    ),
    (
        r"^530 ",
        N_("Our mail server wants us to sign in."),
    ),
    (
        r"^gaierror",
        N_("There is no mail server of this name."),
    ),
    (
        r"^ConnectionRefusedError",
        N_("No mail server answers on this port: is it running, and is it the right port?"),
    ),
    (
        r"^(TimeoutError|OSError)|timed out",
        N_("Our mail server does not answer: is it the right port, and does a firewall let us through?"),
    ),
    (
        r"^SMTPServerDisconnected|unexpectedly closed|reset by peer|Broken pipe",
        N_("Our mail server cut the connection."),
    ),
    (
        r"^SMTP(Connect|Helo)Error",
        N_("Our mail server turned us away."),
    ),
    (
        r"sender (address )?(rejected|refused|denied)|\bsend (mail )?(as|from)\b|\b5\.(1\.[78]|7\.60)\b",
        N_("The mail server does not accept our sender address."),
    ),
    (
        r"^55[0134].*(\b5\.1\.[0-6]|unknown|no such|not exist|not found)",
        N_("The mail server says that there is no such mailbox."),
    ),
    (
        r"\b[45]\.2\.2\b|quota|mailbox full",
        N_("The mailbox is full."),
    ),
    (
        r"\b(relaying|relay (access )?(denied|not|prohibited)|(to|not) relay)\b",
        N_("The mail server passes nothing on for us: does it want us to sign in?"),
    ),
    (
        r"^5.*(\b5\.7\.\d|spam|blocked|policy|denied)",
        N_("The mail server refuses our mail, by its rules or as unwanted."),
    ),
    (
        r"^552|\b5\.3\.4\b",
        N_("The mail is too large for the mail server."),
    ),
    (
        r"^5\d\d ",
        N_("The mail server refuses this mail for good."),
    ),
    (
        r"^4\d\d ",
        N_("The mail server asks us to try again later."),
    ),
)
OTHER = N_("The mail server could not be talked to.")


def reason_of(error: str) -> str:
    return next((words for pattern, words in REASONS if re.search(pattern, error, re.IGNORECASE)), OTHER)
