/**
 * Grey PNGs, exactly: a canvas would write colours with alpha, four times the size, and may change values on the way.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** PNG's colour types, with the number of samples of a pixel. @type {{[type: number]: number|undefined}} */
const SAMPLES = { 0: 1, 2: 3, 4: 2, 6: 4 };

/** A picture that is no PNG, or of a kind that is not read here. */
export class PngError extends Error {}

/**
 * @param {import("./mask.mjs").Mask} mask
 * @returns {Promise<string>} base64 of a PNG with 8 bits of grey
 */
export async function encodeMask(mask) {
    const { width, height, data } = mask;
    const rows = new Uint8Array(height * (width + 1));
    for (let y = 0; y < height; y++) {
        const at = y * (width + 1);
        rows[at] = 2;
        for (let x = 0; x < width; x++) {
            rows[at + 1 + x] = data[y * width + x] - (y === 0 ? 0 : data[(y - 1) * width + x]);
        }
    }
    const header = new Uint8Array(13);
    new DataView(header.buffer).setUint32(0, width);
    new DataView(header.buffer).setUint32(4, height);
    header[8] = 8;
    const body = await through(rows, new CompressionStream("deflate"));
    return toBase64(joined([
        new Uint8Array(SIGNATURE), chunk("IHDR", header), chunk("IDAT", body), chunk("IEND", new Uint8Array(0)),
    ]));
}

/**
 * @param {string} text  base64 of a PNG of 8 bits without interlacing; of a coloured one, the first sample counts
 * @returns {Promise<import("./mask.mjs").Mask>}
 * @throws {PngError}
 */
export async function decodeMask(text) {
    const bytes = fromBase64(text);
    if (!SIGNATURE.every((value, index) => bytes[index] === value)) throw new PngError("this is no PNG");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let [width, height, samples] = [0, 0, 1];
    const parts = [];
    for (let at = 8; at + 8 <= bytes.length; ) {
        const length = view.getUint32(at);
        const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
        if (at + 12 + length > bytes.length) throw new PngError("the PNG is cut off");
        if (kind === "IHDR") {
            const known = SAMPLES[bytes[at + 17]];
            if (bytes[at + 16] !== 8 || known === undefined || bytes[at + 20] !== 0) {
                throw new PngError("only PNGs with 8 bits of grey or colour and without interlacing are read");
            }
            [width, height, samples] = [view.getUint32(at + 8), view.getUint32(at + 12), known];
        }
        if (kind === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length));
        at += 12 + length;
    }
    if (width === 0 || height === 0) throw new PngError("the PNG has no size");
    const rows = await through(joined(parts), new DecompressionStream("deflate")).catch(() => {
        throw new PngError("the PNG's pixels cannot be read");
    });
    if (rows.length < height * (width * samples + 1)) throw new PngError("the PNG is cut off");
    return { width, height, data: firstSamples(unfiltered(rows, width * samples, height, samples), samples) };
}

/** @param {Uint8Array} data @param {number} samples */
function firstSamples(data, samples) {
    return samples === 1 ? data : data.filter((_, index) => index % samples === 0);
}

/**
 * Undo PNG's filters; each row begins with the number of its own.
 * @param {Uint8Array} rows
 * @param {number} stride
 * @param {number} height
 * @param {number} samples
 */
function unfiltered(rows, stride, height, samples) {
    const result = new Uint8Array(stride * height);
    for (let y = 0; y < height; y++) {
        const filter = rows[y * (stride + 1)];
        for (let x = 0; x < stride; x++) {
            const at = y * stride + x;
            const left = x < samples ? 0 : result[at - samples];
            const above = y === 0 ? 0 : result[at - stride];
            const corner = x < samples || y === 0 ? 0 : result[at - stride - samples];
            result[at] = rows[y * (stride + 1) + 1 + x] + predicted(filter, left, above, corner);
        }
    }
    return result;
}

/** @param {number} filter @param {number} left @param {number} above @param {number} corner */
function predicted(filter, left, above, corner) {
    if (filter === 0) return 0;
    if (filter === 1) return left;
    if (filter === 2) return above;
    if (filter === 3) return (left + above) >> 1;
    if (filter !== 4) throw new PngError("the PNG has an unknown filter");
    const guess = left + above - corner;
    const [toLeft, toAbove, toCorner] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
    if (toLeft <= toAbove && toLeft <= toCorner) return left;
    return toAbove <= toCorner ? above : corner;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {CompressionStream|DecompressionStream} stream */
async function through(bytes, stream) {
    const result = new Response(new Blob([bytes]).stream().pipeThrough(stream));
    return new Uint8Array(await result.arrayBuffer());
}

/** @param {readonly Uint8Array[]} parts */
function joined(parts) {
    const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
        result.set(part, at);
        at += part.length;
    }
    return result;
}

/** @param {string} kind @param {Uint8Array} body */
function chunk(kind, body) {
    const result = new Uint8Array(12 + body.length);
    const view = new DataView(result.buffer);
    view.setUint32(0, body.length);
    for (let i = 0; i < 4; i++) result[4 + i] = kind.charCodeAt(i);
    result.set(body, 8);
    view.setUint32(8 + body.length, checksum(result.subarray(4, 8 + body.length)));
    return result;
}

/** CRC-32 as PNG wants it. @param {Uint8Array} bytes */
function checksum(bytes) {
    let sum = 0xffffffff;
    for (const byte of bytes) {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return (sum ^ 0xffffffff) >>> 0;
}

/** @param {Uint8Array} bytes @returns {string} */
export function toBase64(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
}

/** @param {string} text @returns {Uint8Array} */
export function fromBase64(text) {
    let decoded;
    try {
        decoded = atob(text.replace(/^data:[^,]*,/, ""));
    } catch {
        throw new PngError("this is no base64");
    }
    const bytes = new Uint8Array(decoded.length);
    for (let i = 0; i < decoded.length; i++) bytes[i] = decoded.charCodeAt(i);
    return bytes;
}
