"""Names of devices, as people know them."""

import re

from django.utils.translation import gettext as _

# The first match counts, because browsers also name the older browsers that they are compatible with.
BROWSERS = {
    "Edg(e|A|iOS)?/": "Edge",
    "OPR/|Opera": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "(Firefox|FxiOS)/": "Firefox",
    "(Chrome|CriOS|Chromium)/": "Chrome",
    "Safari/": "Safari",
}
# iPhones also name Mac OS X, and Android also names Linux, so these two come last.
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X|Macintosh": "macOS",
    "Linux": "Linux",
}


def device_name(user_agent: str) -> str:
    """Return a name such as "Firefox on Linux", or the first word of the user agent if it isn't a browser."""
    browser, system = first_match(BROWSERS, user_agent), first_match(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    program = user_agent.partition("/")[0].strip()
    return browser or system or program or str(_("Unknown device"))


def first_match(names: dict[str, str], user_agent: str) -> str:
    return next((name for pattern, name in names.items() if re.search(pattern, user_agent)), "")
