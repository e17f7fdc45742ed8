"""Checks signed provenance with what others made: PyCA's Ed25519, and the rules of DSSE, in-toto and
SLSA written down once more. Arguments: the private key (PEM), the envelope, the expected commit."""

import base64
import hashlib
import json
import subprocess
import sys


def public_key(private: str) -> bytes:
    """The public half as OpenSSL derives it (SPKI)."""
    asked = ["openssl", "pkey", "-in", private, "-pubout", "-outform", "DER"]
    return subprocess.run(asked, check=True, capture_output=True).stdout


def signed_bytes(envelope: dict) -> tuple[bytes, bytes]:
    """What is signed, as DSSE has it, and the payload."""
    payload = base64.b64decode(envelope["payload"], validate=True)
    kind = envelope["payloadType"].encode()
    head = b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload))
    return head + payload, payload


def verify(spki: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is of this message, by PyCA or, where that is missing, by OpenSSL."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError:
        return verify_with_openssl(spki, message, signature)
    try:
        load_der_public_key(spki).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def verify_with_openssl(spki: bytes, message: bytes, signature: bytes) -> bool:
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        for name, content in (("key", spki), ("message", message), ("signature", signature)):
            (place / name).write_bytes(content)
        asked = [
            "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", place / "key", "-keyform", "DER",
            "-rawin", "-in", place / "message", "-sigfile", place / "signature",
        ]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def check_statement(statement: dict, commit: str) -> None:
    """The fields that in-toto and SLSA ask for."""
    assert statement["_type"] == "https://in-toto.io/Statement/v1", statement["_type"]
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    subjects = {subject["name"]: subject["digest"] for subject in statement["subject"]}
    assert subjects["commit"]["gitCommit"] == commit, subjects
    assert all(subject["digest"] for subject in statement["subject"])
    predicate = statement["predicate"]
    definition, details = predicate["buildDefinition"], predicate["runDetails"]
    assert ":" in definition["buildType"] and ":" in details["builder"]["id"]
    assert definition["externalParameters"]["requirement"]["digest"]["blake3"]
    replies = [one for one in definition["resolvedDependencies"] if one["name"] == "replies"]
    assert len(replies) == 1 and len(replies[0]["digest"]["sha256"]) == 64, replies
    assert details["metadata"]["invocationId"]


def main(private: str, file: str, commit: str) -> None:
    with open(file, encoding="utf-8") as opened:
        envelope = json.load(opened)
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    spki = public_key(private)
    message, payload = signed_bytes(envelope)
    (only,) = envelope["signatures"]
    signature = base64.b64decode(only["sig"], validate=True)
    assert only["keyid"] == hashlib.sha256(spki).hexdigest(), only["keyid"]
    assert verify(spki, message, signature), "the signature does not hold"
    for at in (0, len(message) // 2, len(message) - 1):
        other = bytearray(message)
        other[at] ^= 1
        assert not verify(spki, bytes(other), signature), f"byte {at} may be changed"
    check_statement(json.loads(payload), commit)
    print("signature holds; the statement is what in-toto and SLSA ask for")


if __name__ == "__main__":
    main(*sys.argv[1:])
