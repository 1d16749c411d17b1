"""Does this request come from the broker? Standard Webhooks, HMAC-SHA256. No packages needed.

    WEBHOOK_SIGNING_SECRET=whsec_… python3 verify.py ID TIMESTAMP SIGNATURE < body

As a library: verify(secret, headers, body), where `body` is the bytes as they came, before any
json.loads. Ends with 0 or 1.
"""
import base64
import hashlib
import hmac
import os
import sys
import time

TOLERANCE_S = 300


def verify(secret, headers, body, now=None):
    """`headers` is anything with get(); most frameworks' ignore the case of names."""
    message_id = headers.get("webhook-id")
    timestamp = headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if not message_id or not timestamp or not signatures:
        return False
    # An old request may be one that somebody recorded.
    if not timestamp.isdecimal() or abs((now or time.time()) - int(timestamp)) > TOLERANCE_S:
        return False

    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # There are several while the secret is changed.
    return any(hmac.compare_digest(each.encode(), expected) for each in signatures.split(" "))


if __name__ == "__main__":
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    good = verify(os.environ["WEBHOOK_SIGNING_SECRET"], dict(zip(names, sys.argv[1:])), sys.stdin.buffer.read())
    print("signed by the broker" if good else "not signed by the broker")
    sys.exit(0 if good else 1)
