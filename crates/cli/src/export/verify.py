#!/usr/bin/env python3
"""Verifies a Waystation bundle with nothing but Python: no library, no network, none of Waystation's programs.

usage: verify.py --key KEY [--anchor FILE] [DIRECTORY]

KEY     the log's public key, as the station gave it to you on an earlier day; do not take it from the bundle
FILE    a checkpoint you kept from an earlier visit: the log must still begin with what it covers

What is checked: the signature of the checkpoint (Ed25519); every header (parsed strictly; its place; each stream's
revisions without gaps; times that never go back); every body and sealed field against its header; every tile; the root.
Exit code: 0 good, 10 an event, 11 a tile, 12 a signature, 13 a fork, 14 a rollback, 2 usage.
"""
import base64
import hashlib
import os
import sys

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)


class Wrong(Exception):
    """A contradiction: exit code, place, what."""

    def __init__(self, code, place, what):
        super().__init__("%s: %s" % (place, what))
        self.code = code


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- Ed25519 (RFC 8032), verification only; points as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z -------------------


def add(one, two):
    a = (one[1] - one[0]) * (two[1] - two[0]) % PRIME
    b = (one[1] + one[0]) * (two[1] + two[0]) % PRIME
    c = 2 * one[3] * two[3] * CURVE % PRIME
    d = 2 * one[2] * two[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def same(one, two):
    return (one[0] * two[2] - two[0] * one[2]) % PRIME == 0 and (one[1] * two[2] - two[1] * one[2]) % PRIME == 0


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return (x, y, 1, x * y % PRIME)


BASE = point((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))


def is_signed(key, message, signature):
    here, there = point(key), point(signature[:32])
    number = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or here is None or there is None or number >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return same(times(number, BASE), add(there, times(challenge, here)))


# --- signed notes (C2SP) -------------------------------------------------------------------------------------------


def read_key(text):
    name, number, encoded = text.strip().split("+", 2)
    data = base64.b64decode(encoded, validate=True)
    if len(data) != 33 or data[0] != 1:
        raise ValueError("it is no Ed25519 key of a log")
    if sha256(name.encode(), b"\n", data)[:4].hex() != number:
        raise ValueError("its number does not fit it")
    return name, data


def open_note(note, key, place):
    name, data = key
    mine = sha256(name.encode(), b"\n", data)[:4]
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    signed = False
    for line in lines.splitlines():
        words = line.split(" ")
        if len(words) != 3 or words[0] != "\u2014":
            raise Wrong(12, place, "it is not a signed note")
        signature = base64.b64decode(words[2])
        if words[1] == name and signature[:4] == mine:
            if not is_signed(data[1:], text.encode(), signature[4:]):
                raise Wrong(12, place, "the signature does not fit the text")
            signed = True
    if not signed:
        raise Wrong(12, place, "it is not signed by this key")
    origin, size, root = text.splitlines()
    if origin != name:
        raise Wrong(12, place, "it is of another log")
    return int(size), base64.b64decode(root)


# --- the tree (RFC 6962) and its files (C2SP tlog-tiles) -------------------------------------------------------------


def node(left, right):
    return sha256(b"\x01", left, right)


def grow(peaks, leaf, size):
    """Adds a leaf to the roots of the complete subtrees of a tree that had so many leaves."""
    peaks.append(leaf)
    while size & 1:
        right, left = peaks.pop(), peaks.pop()
        peaks.append(node(left, right))
        size >>= 1


def root_of(peaks):
    if not peaks:
        return sha256()
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node(peak, root)
    return root


def path_of(kind, number, width):
    path = "%03d" % (number % 1000)
    while number >= 1000:
        number //= 1000
        path = "x%03d/%s" % (number % 1000, path)
    return kind + "/" + path + ("" if width == 256 else ".p/%d" % width)


# --- headers and blobs ---------------------------------------------------------------------------------------------


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("it ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def end(self):
        if self.at != len(self.data):
            raise ValueError("it goes on after the end")


def read_header(data):
    cursor = Cursor(data)
    if cursor.take(5) != b"WSL1\x01":
        raise ValueError("it is of an unknown kind")
    cursor.take(1)
    header = {"position": cursor.number(8)}
    cursor.take(16)
    header["stream"] = cursor.take(cursor.number(2)).decode()
    header["revision"] = cursor.number(8)
    cursor.take(cursor.number(2)).decode()
    cursor.take(2)
    header["recorded"] = int.from_bytes(cursor.take(8), "big", signed=True)
    cursor.take(32)
    header["length"], header["digest"] = cursor.number(4), cursor.take(32)
    header["sealed"] = []
    for _ in range(cursor.number(2)):
        cursor.take(22)
        header["sealed"].append((cursor.number(4), cursor.take(32)))
    cursor.end()
    return header


def check_blob(header, blobs):
    kind = blobs.number(1)
    if kind == 0:
        return False
    if kind != 1:
        raise ValueError("the blobs do not add up")
    salt, body = blobs.take(16), blobs.take(blobs.number(4))
    if len(body) != header["length"] or sha256(b"\x02", salt, body) != header["digest"]:
        raise ValueError("the body does not hash to the header's digest")
    for length, digest in header["sealed"]:
        envelope = blobs.take(blobs.number(4))
        if len(envelope) != length or sha256(b"\x03", envelope) != digest:
            raise ValueError("a sealed field does not hash to the header's digest")
    return True


# --- the bundle ----------------------------------------------------------------------------------------------------


def read(directory, path, code):
    try:
        with open(os.path.join(directory, *path.split("/")), "rb") as file:
            return file.read()
    except OSError:
        raise Wrong(code, path, "it is missing") from None


def check_tile(directory, level, number, hashes):
    path = path_of("tile/%d" % level, number, len(hashes))
    if read(directory, path, 11) != b"".join(hashes):
        raise Wrong(11, path, "it differs from what is below it")


def verify(directory, key, anchor):
    size, root = open_note(read(directory, "checkpoint", 12).decode(), key, "checkpoint")
    peaks, streams, recorded, withheld, anchored = [], {}, -(2**63), 0, None
    levels = [[] for _ in range(9)]
    counts = [0] * 9
    for first in range(0, size, 256):
        width, number = min(256, size - first), first // 256
        entries = Cursor(read(directory, path_of("tile/entries", number, width), 10))
        blobs = Cursor(read(directory, path_of("blobs", number, width), 10))
        for position in range(first + 1, first + width + 1):
            place = "event %d" % position
            try:
                data = entries.take(entries.number(2))
                header = read_header(data)
                if header["position"] != position:
                    raise ValueError("the header belongs to another position")
                if header["revision"] != streams.get(header["stream"], -1) + 1:
                    raise ValueError("the revision does not follow the stream's last")
                if header["recorded"] < recorded:
                    raise ValueError("the recorded time goes backwards")
                withheld += not check_blob(header, blobs)
            except ValueError as error:
                raise Wrong(10, place, error) from None
            streams[header["stream"]], recorded = header["revision"], header["recorded"]
            leaf = sha256(b"\x00", data)
            grow(peaks, leaf, position - 1)
            if anchor and anchor[0] == position:
                anchored = root_of(peaks)
            carry, level = leaf, 0
            levels[0].append(leaf)
            while len(levels[level]) == 256:
                check_tile(directory, level, counts[level], levels[level])
                tops, tile = [], levels[level]
                for at, one in enumerate(tile):
                    grow(tops, one, at)
                carry, levels[level] = root_of(tops), []
                counts[level] += 1
                level += 1
                levels[level].append(carry)
        try:
            entries.end()
            blobs.end()
        except ValueError as error:
            raise Wrong(10, path_of("tile/entries", number, width), error) from None
    for level, hashes in enumerate(levels):
        if hashes:
            check_tile(directory, level, counts[level], hashes)
    if root_of(peaks) != root:
        raise Wrong(12, "checkpoint", "it is signed over another tree than the entries'")
    if anchor and anchor[0] > size:
        raise Wrong(14, "anchor", "rollback: it covers %d events, the bundle has %d" % (anchor[0], size))
    if anchor and anchor[0] and anchored != anchor[1]:
        raise Wrong(13, "anchor", "fork: the first %d events are not those it covers" % anchor[0])
    return size, withheld


def main(arguments):
    options, directory = {}, os.path.dirname(os.path.abspath(__file__))
    while arguments:
        word = arguments.pop(0)
        if word in ("--key", "--anchor") and arguments:
            options[word] = arguments.pop(0)
        elif word.startswith("-"):
            sys.exit(__doc__) if word in ("-h", "--help") else None
            print(__doc__, file=sys.stderr)
            return 2
        else:
            directory = word
    if "--key" not in options:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        key = read_key(options["--key"])
    except ValueError as error:
        print("--key: %s" % error, file=sys.stderr)
        return 2
    try:
        anchor = None
        if "--anchor" in options:
            with open(options["--anchor"], encoding="utf-8") as file:
                anchor = open_note(file.read(), key, "anchor")
        size, withheld = verify(directory, key, anchor)
    except Wrong as wrong:
        print("NOT GOOD: %s" % wrong)
        return wrong.code
    except (OSError, ValueError):
        print("NOT GOOD: a checkpoint does not read")
        return 12
    held = "" if anchor is None else ", and it begins with the %d events of the kept checkpoint" % anchor[0]
    print("good: %d events, %d of them without their bodies%s" % (size, withheld, held))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
