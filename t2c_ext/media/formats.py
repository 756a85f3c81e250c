"""The picture formats that are read, wherever a picture comes from, and the endings of their files.

Pillow knows many more. Some of them it hands to programs of the machine (PostScript to Ghostscript, WMF to Windows) or
to libraries that few have looked at (FPX, MIC, GRIB, HDF5 ...), and it looks at a file's bytes, not at its name. Hence
every door asks for these only.
"""

from __future__ import annotations

from importlib import import_module, util

from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000")
"""By Pillow's names. JPEG includes MPO (phones' pairs of pictures), PPM the whole Netpbm family."""

_PLUGINS = ("Png", "Jpeg", "WebP", "Tiff", "Bmp", "Gif", "Avif", "Ppm", "Jpeg2K")
"""The modules that read them; AVIF came with Pillow 11.3."""

_ENDINGS = """
    .png .jpg .jpeg .jpe .jfif .mpo .webp .tif .tiff .bmp .dib .gif .avif .ppm .pgm .pbm .pnm .jp2 .j2k .heic .heif
"""
ENDINGS = frozenset(_ENDINGS.split())
"""The endings, in small letters, of files that a folder of pictures may hold."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"%PDF", "PDF"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"gimp xcf", "GIMP"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"PK\x03\x04", "ZIP"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML"),
    (b"<!doctype", "HTML"),
    (b"<html", "HTML"),
    (b"\x1aE\xdf\xa3", "WebM"),
)
"""First bytes of files that come as pictures, whether they can be read or not."""

_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
"""What the box `ftyp` names (ISO/IEC 23008-12 for HEIC, AV1 Image File Format for AVIF); any other brand is a video."""


def readable() -> tuple[str, ...]:
    """Those of `FORMATS` that the Pillow at hand has."""
    for plugin in _PLUGINS:
        if util.find_spec(f"PIL.{plugin}ImagePlugin") is not None:
            import_module(f"PIL.{plugin}ImagePlugin")
    return tuple(name for name in FORMATS if name in Image.OPEN)


def kind_of(head: bytes) -> str:
    """What a file is by its first 64 bytes, in words for the user; "" where it is nothing known."""
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, len(head) - 3, 4))]
        return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), "video")
    if head[:4] == b"RIFF":
        return {b"WEBP": "WebP", b"AVI ": "video"}.get(head[8:12], "")
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((name for magic, name in _MAGIC if head.startswith(magic) or begins.lower().startswith(magic)), "")
