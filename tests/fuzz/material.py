"""What is put in: sound files of every kind, drawn here, and ways to damage them."""

from __future__ import annotations

import io
import json
import random
import struct
import tarfile
import zipfile
import zlib
from typing import Any

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 32
NUMBERS = (0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, -(2**31), 2**32 - 1, 2**63, 1e308, -0.0)
WORDS = """
    river flowing left ( ) [ ] : 1.2 <lora:a:0.5> AND BREAK | , # \\ not clouds drift slowly to the north-east swirl
    川 🌊 é (((((( :::: < > nan Steps: 20 Seed: 1 Negative prompt: river's "quoted" 0,2 {a|b} clockwise
"""
SPACES = ("\n", "\t", "\0", "\ud800", "\u2028")


def picture_files(rng: random.Random) -> bytes:
    """A picture of a random format, mode and content."""
    mode = rng.choice(["RGB", "RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16", "F", "YCbCr"])
    levels = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    if rng.random() < 0.5:
        levels[:] = np.linspace(0, 255, WIDTH).astype(np.uint8)[None, :, None]
    if mode == "I;16":
        image = Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    elif mode == "F":
        image = Image.fromarray(levels[..., 0].astype(np.float32) * rng.choice([1.0, 1 / 255, -3.0]))
    else:
        image = Image.fromarray(levels).convert("RGB" if mode in ("CMYK", "P", "YCbCr") else mode).convert(mode)
    exif = Image.Exif()
    exif[274] = rng.randrange(12)
    kinds = ["PNG", "PNG", "JPEG", "WEBP", "TIFF", "TIFF", "GIF", "BMP", "AVIF", "PPM", "JPEG2000", "TGA", "ICO", "PCX"]
    for kind in rng.sample(kinds, len(kinds)):
        file = io.BytesIO()
        # libtiff's writer does not survive orientations that do not exist
        options: dict[str, Any] = {"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "AVIF") else {}
        if kind == "TIFF":
            options["compression"] = rng.choice([None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
        try:
            image.save(file, kind, **options)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            continue
        return file.getvalue()
    return b""


def deep_tiff(rng: random.Random) -> bytes:
    """A TIFF of a layout that Pillow reads in part or not at all."""
    import tifffile

    kind = rng.choice(["u2", "u4", "i2", "f2", "f4", "f8"])
    shape = rng.choice(
        [(HEIGHT, WIDTH), (HEIGHT, WIDTH, 3), (HEIGHT, WIDTH, 4), (3, HEIGHT, WIDTH), (2, HEIGHT, WIDTH, 3)]
    )
    values = np.random.default_rng(rng.getrandbits(32)).random(shape) * (100 if kind[0] in "ui" else 1)
    file = io.BytesIO()
    tifffile.imwrite(file, values.astype(kind), compression=rng.choice([None, "zlib"]), photometric=None)
    return file.getvalue()


def flow_file(rng: random.Random) -> tuple[str, bytes]:
    """A flow and its ending."""
    flow = (
        np.random.default_rng(rng.getrandbits(32))
        .normal(size=(HEIGHT, WIDTH, 2))
        .astype(rng.choice(["f4", "f8", "f2"]))
    )
    if rng.random() < 0.3:
        flow[rng.randrange(HEIGHT), rng.randrange(WIDTH)] = rng.choice([np.nan, np.inf, 1e6, 0])
    layout = rng.choice(
        [flow, flow.transpose(2, 0, 1), flow.swapaxes(0, 1), flow[None], flow[:, :0], flow.astype("i1")]
    )
    file = io.BytesIO()
    ending = rng.choice([".npz", ".npz", ".npy", ".flo", ".pt"])
    if ending == ".npz":
        np.savez_compressed(file, **{rng.choice(["flow", "u", "x", "size"]): layout, "mask": flow[..., 0] > 0})
    elif ending == ".npy":
        np.save(file, layout)
    elif ending == ".flo":
        file.write(struct.pack("<fii", 202021.25, WIDTH, HEIGHT) + flow.astype("<f4").tobytes())
    else:
        import torch

        torch.save(torch.from_numpy(np.ascontiguousarray(flow.astype("f4").transpose(2, 0, 1)))[None], file)
    return ending, file.getvalue()


def attention_file(rng: random.Random) -> bytes:
    """Attention maps, some of the wrong sizes."""
    tokens = rng.choice([4, 6, 9])
    file = io.BytesIO()
    arrays = {"self_attention": np.full((tokens, tokens), 1 / tokens, np.float32), "word:river": np.ones((2, 2), "f4")}
    np.savez(file, size=np.array(rng.choice([(2, 2), (3, 2), (-1, -4), (2,)])), **arrays)
    return file.getvalue()


def archive(rng: random.Random) -> tuple[str, bytes]:
    """An archive with names that lead anywhere."""
    names = ["a.bin", "folder/b.bin", "../up.bin", "/root.bin", "a\0b", "CON", "x" * 300, "a.bin", "c:\\d", ""]
    file, kind = io.BytesIO(), rng.choice(["zip", "tar", "tar.gz"])
    chosen = [rng.choice(names) for _ in range(rng.randrange(1, 5))]
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
            for name in dict.fromkeys(chosen):
                made.writestr(name or "x", bytes(rng.randrange(4000)))
    else:
        with tarfile.open(fileobj=file, mode="w:gz" if kind == "tar.gz" else "w") as tar:
            for name in chosen:
                row = tarfile.TarInfo(name or "x")
                row.size = rng.randrange(4000)
                row.type = rng.choice(
                    [tarfile.REGTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
                )
                tar.addfile(row, io.BytesIO(bytes(row.size)))
    return "." + kind, file.getvalue()


def weights_file(rng: random.Random) -> tuple[str, bytes]:
    """Tensors as checkpoints, LoRAs and embeddings keep them."""
    import torch
    from safetensors.torch import save

    kind = rng.choice([torch.float32, torch.float16, torch.bfloat16, torch.int64])
    names = ["lora_unet_a.lora_up.weight", "lora_unet_a.lora_down.weight", "model.diffusion_model.x", "emb_params", "*"]
    tensors = {name: torch.ones(rng.randrange(1, 4), 4).to(kind) for name in rng.sample(names, 3)}
    ending = rng.choice([".safetensors", ".ckpt", ".pt", ".bin"])
    if ending == ".safetensors" or rng.random() < 0.1:
        return ending, save(tensors)
    content: Any = rng.choice([tensors, {"state_dict": tensors}, [tensors], {"string_to_param": tensors}, 3, "text"])
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=rng.random() < 0.8)
    return ending, file.getvalue()


def words(rng: random.Random, most: int = 40) -> str:
    """A text of words, syntax and rubbish; sometimes very long."""
    known = [*WORDS.split(), *SPACES]
    text = " ".join(rng.choice(known) for _ in range(rng.randrange(most)))
    return text * rng.choice([1, 1, 1, 50]) if rng.random() < 0.1 else text


def document(rng: random.Random, depth: int = 3) -> Any:
    """A JSON value of any kind."""
    kind = rng.randrange(8 if depth else 5)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return words(rng, 4)
    if kind < 5:
        return rng.choice([None, True, False, 0.5, 1, [], {}, "river", [0.5, 0.5]])
    if kind < 7:
        return {
            rng.choice(["from", "to", "at", "regions", "version", words(rng, 2)]): document(rng, depth - 1)
            for _ in "abc"
        }
    return [document(rng, depth - 1) for _ in range(rng.randrange(4))]


def changed(rng: random.Random, value: Any) -> Any:
    """A sound document with something in it replaced, removed or added."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        if rng.random() < 0.15:
            return {name: part for name, part in value.items() if name != key}
        if rng.random() < 0.1:
            return value | {words(rng, 2): document(rng)}
        return value | {key: changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], changed(rng, value[at]), *value[at + 1 :]] * rng.choice([1, 1, 1, 2, 300])
    return document(rng)


def as_text(rng: random.Random, value: Any) -> bytes:
    """A document as a file, in one of the encodings of editors, sometimes damaged."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    data = text.encode(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]), "surrogatepass")
    return damaged(rng, data) if rng.random() < 0.4 else data


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Bytes with a few changes; now and then none."""
    content = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 2, 4, 12])):
        if not content:
            break
        at = rng.randrange(len(content))
        kind = rng.randrange(7)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.randrange(256)
        elif kind == 2:
            del content[at:]
        elif kind == 3:
            del content[at : at + rng.randrange(1, 20)]
        elif kind == 4:
            content[at:at] = rng.choice([b"\0" * 9, b"\xff" * 9, content[at : at + 40], rng.randbytes(5)])
        elif kind == 5:
            number = int(rng.choice(NUMBERS[:13])) & 0xFFFFFFFF
            content[at : at + 4] = struct.pack(rng.choice("<>") + "I", number)
        else:
            content += rng.randbytes(rng.randrange(200))
    made = bytes(content)
    return with_right_checksums(made) if rng.random() < 0.5 and made.startswith(b"\x89PNG\r\n\x1a\n") else made


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose damage its checksums do not tell."""
    made, at = bytearray(data), 8
    while at + 12 <= len(made):
        size = int.from_bytes(made[at : at + 4], "big")
        if at + 12 + size > len(made):
            break
        made[at + 8 + size : at + 12 + size] = zlib.crc32(made[at + 4 : at + 8 + size]).to_bytes(4, "big")
        at += 12 + size
    return bytes(made)
