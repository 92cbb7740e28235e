"""SPDX's list of licences, which is compared without regard to case and written in its own spelling."""

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression


def spdx_id(text: str) -> str | None:
    """The id of SPDX's list that `text` is, in SPDX's spelling; None for what is not in the list."""
    try:
        found = canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None
    # one id: an expression has no single text, and LicenseRef-... stands for what is not in the list
    return None if " " in found or "(" in found or found.startswith("LicenseRef-") or found.endswith("+") else found
