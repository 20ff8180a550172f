"""Aurora's mark as SVG text: no file to serve, colours that read on light and dark."""

_ARCS = (
    '<g fill="none" stroke-width="3.4" stroke-linecap="round">'
    '<path d="M4 26 C7 10 13 7 16 18 C19 29 25 22 28 6" stroke="#17a394"/>'
    '<path d="M4 19 C8 6 12 6 16 12 C20 18 24 17 28 12" stroke="#8578f0" opacity="0.9"/>'
    "</g>"
)
MARK = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">{_ARCS}</svg>'
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 32" width="128" height="32">'
    f'{_ARCS}<text x="38" y="23" font-family="Helvetica, Arial, sans-serif" font-size="20" '
    'font-weight="600" letter-spacing="0.4" fill="#17a394">Aurora</text></svg>'
)
