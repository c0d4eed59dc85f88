"""Showing the HTML of a mail inside a page of ours, where it can do nothing."""

from flask import Response, current_app, make_response
from werkzeug import Response as WerkzeugResponse

# The mail has its own style and nothing else: no script, no form, no way out of the frame.
FRAMED = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}


def framed(html: str) -> Response:
    """What stands in the frame."""
    return make_response(html, FRAMED)


def with_frames(page: WerkzeugResponse) -> WerkzeugResponse:
    """A page that may hold frames of ours."""
    page.headers["Content-Security-Policy"] = (
        f"{current_app.config['CONTENT_SECURITY_POLICY']}; frame-src 'self'"
    )
    return page
