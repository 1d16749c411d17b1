"""Does this request come from the broker? Standard Webhooks, HMAC-SHA256. No packages needed.

    WEBHOOK_SIGNING_SECRET=whsec_… python3 verify.py ID TIMESTAMP SIGNATURE < body

As a library: verify(secret, headers, body), where `body` is the bytes as they came, before any
json.loads. Ends with 0 or 1; with 2, and a line that says why, if the secret is missing or is none.
"""
import base64
import hashlib
import hmac
import os
import sys
import time

TOLERANCE_S = 300


def key_of(secret):
    """Raises ValueError if it is none: with an empty key, everybody could sign."""
    if not secret or not secret.strip():
        raise ValueError("WEBHOOK_SIGNING_SECRET is not set: it is the broker's")
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"))
    except ValueError:
        key = b""
    if len(key) < 24:
        raise ValueError("WEBHOOK_SIGNING_SECRET is not whsec_ and the Base64 of 24 bytes or more")
    return key


def verify(secret, headers, body, now=None):
    """`headers` is anything with get(); most frameworks' ignore the case of names."""
    key = key_of(secret)
    message_id = headers.get("webhook-id")
    timestamp = headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if not message_id or not timestamp or not signatures:
        return False
    # An old request may be one that somebody recorded.
    if not timestamp.isdecimal() or abs((now or time.time()) - int(timestamp)) > TOLERANCE_S:
        return False

    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # There are several while the secret is changed.
    return any(hmac.compare_digest(each.encode(), expected) for each in signatures.split(" "))


if __name__ == "__main__":
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    try:
        good = verify(os.environ.get("WEBHOOK_SIGNING_SECRET"), dict(zip(names, sys.argv[1:])), sys.stdin.buffer.read())
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print("signed by the broker" if good else "not signed by the broker")
    sys.exit(0 if good else 1)
