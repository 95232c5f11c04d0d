"""Pages for iframes that show foreign HTML, such as the body of an email."""

from django.http import HttpResponse

# The frame runs no script, submits no form, and loads nothing but images, whatever the HTML contains. The policy of the
# surrounding page can therefore stay strict.
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; sandbox"


def framed_html(html: str) -> HttpResponse:
    """Return the HTML as a page of its own that only an iframe of this site may show."""
    headers = {"Content-Security-Policy": FRAME_POLICY, "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "no-store"}
    return HttpResponse(html, headers=headers)
