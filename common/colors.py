"""Colors and their contrast: https://www.w3.org/TR/WCAG22/"""

BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
MIN_CONTRAST = 4.6  # WCAG 2.2, 1.4.3 requires 4.5
STEPS = 50  # from a color to black or white

Color = tuple[float, float, float]  # red, green, blue from 0 to 1


def parse(text: str) -> Color:
    """Return the color of ``#2456d6`` or ``#25d``."""
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def to_hex(color: Color) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in color)


def mix(color: Color, other: Color, share: float) -> Color:
    red, green, blue = (a + (b - a) * share for a, b in zip(color, other, strict=True))
    return red, green, blue


def ink_on(background: Color) -> Color:
    """Return black or white, whichever has more contrast. At least one of them always reaches 4.58."""
    return max(BLACK, WHITE, key=lambda ink: contrast(ink, background))


def readable(color: Color, background: Color, towards: Color) -> Color:
    """Return the color, mixed with as little of ``towards`` as makes it readable on the background.

    ``towards`` is black or white and must itself be readable there.
    """
    candidates = (mix(color, towards, step / STEPS) for step in range(STEPS + 1))
    return next(candidate for candidate in candidates if contrast(candidate, background) >= MIN_CONTRAST)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio, from 1 to 21, as https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Color) -> float:
    # https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in color
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
