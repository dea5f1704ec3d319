"""tls_config, and the context made of it."""

import ssl
import warnings
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from monitor.model import Reason
from monitor.probes.tls import TlsOptions, build_context, tls_failure


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ca": "x", "ca_file": "y"}, "ca and ca_file exclude each other"),
        ({"cert": "x", "cert_file": "y", "key": "z"}, "cert and cert_file exclude each other"),
        ({"cert": "x", "key": "y", "key_file": "z"}, "key and key_file exclude each other"),
        ({"cert": "x"}, "needs both cert"),
        ({"key_file": "x"}, "needs both cert"),
        ({"min_version": "TLS13", "max_version": "TLS12"}, "min_version TLS13 is above max_version TLS12"),
        ({"min_version": "TLS14"}, "Input should be"),
        ({"verify": True}, "Extra inputs"),
    ],
)
def test_options_that_contradict(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TlsOptions(**options)  # type: ignore[arg-type]


def test_options_keep_their_secret_and_serve_as_a_key() -> None:
    options = TlsOptions(cert="c", key="very secret")  # type: ignore[arg-type]
    assert "very secret" not in repr(options)
    assert {options: 1}[TlsOptions(cert="c", key="very secret")] == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("", "", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)),
        ("TLS13", "", (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)),
        ("", "TLS11", (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1)),
        ("TLS10", "TLS12", (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2)),
    ],
)
def test_versions(low: str, high: str, expected: tuple[ssl.TLSVersion, ssl.TLSVersion]) -> None:
    context = build_context(TlsOptions(min_version=low, max_version=high))  # type: ignore[arg-type]
    assert (context.minimum_version, context.maximum_version) == expected


def test_verification() -> None:
    assert build_context(TlsOptions()).verify_mode is ssl.CERT_REQUIRED
    unverified = build_context(TlsOptions(insecure_skip_verify=True))
    assert (unverified.verify_mode, unverified.check_hostname) == (ssl.CERT_NONE, False)


def test_own_authority_replaces_the_others(tmp_path: Path) -> None:
    authority, other = trustme.CA(), tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    pem = authority.cert_pem.bytes().decode()
    file = tmp_path / "ca.pem"
    file.write_text(pem)
    for options in (TlsOptions(ca=pem), TlsOptions(ca_file=file)):
        assert len(build_context(options, other).get_ca_certs()) == 1
    default, beside = build_context(TlsOptions()), build_context(TlsOptions(), other)
    assert len(beside.get_ca_certs()) == len(default.get_ca_certs()) + 1


def test_client_certificate_inline_or_in_files(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("monitor.example")
    cert, key = certificate.cert_chain_pems[0].bytes().decode(), certificate.private_key_pem.bytes().decode()
    (tmp_path / "key.pem").write_text(key)
    build_context(TlsOptions(cert=cert, key=key))  # type: ignore[arg-type]
    build_context(TlsOptions(cert=cert, key_file=tmp_path / "key.pem"))
    other = trustme.CA().issue_cert("x.example").private_key_pem.bytes().decode()
    with pytest.raises(ssl.SSLError):
        build_context(TlsOptions(cert=cert, key=other))  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        build_context(TlsOptions(ca_file=tmp_path / "missing.pem"))


def test_files_that_a_context_is_made_of() -> None:
    options = TlsOptions(ca_file=Path("a"), cert_file=Path("b"), key_file=Path("c"))
    assert options.files() == (Path("a"), Path("b"), Path("c"))
    assert TlsOptions().files() == ()


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "text")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "detail"),
    [
        ("WRONG_VERSION_NUMBER", "the answer is not TLS (wrong version number)"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "the server refused the handshake: protocol version"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "the server refused the handshake: certificate required"),
        ("UNSUPPORTED_PROTOCOL", "unsupported protocol"),
        ("", "TLS failed"),
    ],
)
def test_failures_in_words(reason: str, detail: str) -> None:
    failure = tls_failure(tls_error(reason))
    assert (failure.reason, failure.detail) == (Reason.TLS, detail)


@pytest.mark.parametrize(
    ("code", "detail"),
    [(10, "certificate expired"), (62, "certificate is for another name"), (1234, "certificate not accepted: odd")],
)
def test_verification_failures_in_words(code: int, detail: str) -> None:
    error = ssl.SSLCertVerificationError(1, "text")
    error.verify_code, error.verify_message = code, "odd"
    assert tls_failure(error).detail == detail


def test_old_versions_raise_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_context(TlsOptions(min_version="TLS10"))
