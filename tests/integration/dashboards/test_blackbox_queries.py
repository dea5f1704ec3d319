"""What the well-known dashboards for blackbox_exporter ask is answered by our metrics.

The list is of questions by what they are about (status map, success, uptime, duration by phase, certificates, DNS, TLS,
protocol), as such dashboards make them: by ``instance``, which is the probed address here as there.
"""

from __future__ import annotations

import pytest

from tests.stack.life import Life

VARIABLES = (
    "label_values(probe_success, job)",
    "label_values(probe_success, instance)",
    'label_values(probe_success{job=~"lienthong"}, instance)',
    "label_values(probe_http_status_code, instance)",
)
QUESTIONS = {
    "status map": "probe_success",
    "status of one": 'probe_success{instance=~"$target"}',
    "how many are up": "sum(probe_success)",
    "how many are down": "count(probe_success == 0)",
    "uptime over the range": 'avg_over_time(probe_success{instance=~"$target"}[1m]) * 100',
    "uptime of 30 days": "avg_over_time(probe_success[30d])",
    "duration": 'probe_duration_seconds{instance=~"$target"}',
    "mean duration": "avg by (instance) (probe_duration_seconds)",
    "smoothed duration": "avg_over_time(probe_duration_seconds[1m])",
    "http phases": 'probe_http_duration_seconds{instance=~"$target"}',
    "http phases summed": "sum by (phase) (probe_http_duration_seconds)",
    "time to the first byte": 'probe_http_duration_seconds{phase="processing"}',
    "resolving": 'probe_http_duration_seconds{phase="resolve"}',
    "connecting": 'probe_http_duration_seconds{phase="connect"}',
    "handshake": 'probe_http_duration_seconds{phase="tls"}',
    "transfer": 'probe_http_duration_seconds{phase="transfer"}',
    "http status": 'probe_http_status_code{instance=~"$target"}',
    "http version": "probe_http_version",
    "over tls": "probe_http_ssl",
    "length": "probe_http_content_length",
    "uncompressed length": "probe_http_uncompressed_body_length",
    "redirects": "probe_http_redirects",
    "failed by a pattern": "probe_failed_due_to_regex",
    "certificate expires in": "probe_ssl_earliest_cert_expiry - time()",
    "certificate expires in days": "(probe_ssl_earliest_cert_expiry - time()) / 3600 / 24",
    "first to expire": "min(probe_ssl_earliest_cert_expiry) - time()",
    "chain": "probe_ssl_last_chain_expiry_timestamp_seconds",
    "leaf": "probe_ssl_last_chain_info",
    "tls version": "probe_tls_version_info",
    "tls version in a table": "max by (instance, version) (probe_tls_version_info)",
    "cipher": "probe_tls_cipher_info",
    "lookup": 'probe_dns_lookup_time_seconds{instance=~"$target"}',
    "mean lookup": "avg by (instance) (probe_dns_lookup_time_seconds)",
    "address family": 'probe_ip_protocol{instance=~"$target"}',
    "address": "probe_ip_addr_hash",
    "icmp phases": "probe_icmp_duration_seconds",
    "icmp round trip": 'probe_icmp_duration_seconds{phase="rtt"}',
    "icmp hop limit": "probe_icmp_reply_hop_limit",
    "dns phases": "probe_dns_duration_seconds",
    "dns answers": "probe_dns_answer_rrs",
    "dns authority": "probe_dns_authority_rrs",
    "dns additional": "probe_dns_additional_rrs",
    "dns answered at all": "probe_dns_query_succeeded",
    "changes": "changes(probe_success[1m])",
    "scraped": 'up{job=~"lienthong"}',
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_is_answered(question: str, life: Life) -> None:
    answer = life.instant(question.replace("$target", ".+"))
    assert answer
    assert all("exported_instance" not in series["metric"] for series in answer)


def test_what_is_down_is_among_the_answers(life: Life) -> None:
    down = {series["metric"]["instance"] for series in life.instant("probe_success == 0")}
    assert any("ward-4" in instance for instance in down)
    assert not any("ward-1" in instance for instance in down)


@pytest.mark.parametrize("variable", VARIABLES)
def test_variables_have_values(variable: str, life: Life) -> None:
    selector, _, label = variable.removeprefix("label_values(").removesuffix(")").rpartition(", ")
    assert all(each.get(label) for each in life.series(selector))
    assert life.series(selector)
