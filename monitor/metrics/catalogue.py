"""Every metric family that has a name in this program; a new prober's fact that isn't listed is exposed all the same.

Names and meanings of the ``probe_`` families are blackbox_exporter's interface, the words here are ours.
"""

from __future__ import annotations

from typing import Final

from monitor.metrics.text import Family, Kind

ENDPOINT_LABELS: Final = ("instance", "point", "kind", "area", "endpoint", "module")


def _of_endpoint(name: str, words: str, *labels: str) -> Family:
    return Family(name, "gauge", (*ENDPOINT_LABELS, *labels), words)


ENDPOINT_FAMILIES: Final = (
    _of_endpoint("probe_success", "Whether the last probe succeeded."),
    _of_endpoint("probe_duration_seconds", "Elapsed time of the last probe."),
    _of_endpoint("probe_dns_lookup_time_seconds", "Time that resolving the target's name took."),
    _of_endpoint("probe_ip_protocol", "Version of the internet protocol that was used: 4 or 6."),
    _of_endpoint("probe_ip_addr_hash", "FNV-1a hash of the address that was asked; it changes when the address does."),
    _of_endpoint("probe_http_duration_seconds", "Time in each phase, summed over redirects.", "phase"),
    _of_endpoint("probe_http_content_length", "Content-Length of the answer, -1 when it names none."),
    _of_endpoint("probe_http_uncompressed_body_length", "Bytes of the body that were read, after decompression."),
    _of_endpoint("probe_http_redirects", "Redirects that were followed."),
    _of_endpoint("probe_http_ssl", "Whether the last answer came over TLS."),
    _of_endpoint("probe_http_status_code", "Status code of the last answer, 0 when there was none."),
    _of_endpoint("probe_http_version", "HTTP version of the last answer."),
    _of_endpoint("probe_http_last_modified_timestamp_seconds", "Last-Modified of the answer, in Unix time."),
    _of_endpoint("probe_failed_due_to_regex", "Whether an expected or forbidden pattern decided the failure."),
    _of_endpoint("probe_failed_due_to_cel", "Whether a CEL expression decided the failure."),
    _of_endpoint("probe_failed_due_to_bytes", "Whether expected bytes that did not come decided the failure."),
    _of_endpoint("probe_expect_info", "Labels taken from what the server said, as the module configures them."),
    _of_endpoint("probe_ssl_earliest_cert_expiry", "When the first certificate of the chain expires, in Unix time."),
    _of_endpoint(
        "probe_ssl_last_chain_expiry_timestamp_seconds", "When the longest-lived verified chain expires, in Unix time."
    ),
    _of_endpoint(
        "probe_ssl_last_chain_info",
        "The leaf certificate that the server presented.",
        "fingerprint_sha256",
        "issuer",
        "serialnumber",
        "subject",
        "subjectalternative",
    ),
    _of_endpoint("probe_tls_version_info", "TLS version that was agreed on.", "version"),
    _of_endpoint("probe_tls_cipher_info", "Cipher suite that was agreed on.", "cipher"),
    _of_endpoint("probe_icmp_duration_seconds", "Time in each phase.", "phase"),
    _of_endpoint("probe_icmp_reply_hop_limit", "Hop limit (TTL) of the reply."),
    _of_endpoint("probe_dns_duration_seconds", "Time in each phase.", "phase"),
    _of_endpoint("probe_dns_answer_rrs", "Records in the answer section."),
    _of_endpoint("probe_dns_authority_rrs", "Records in the authority section."),
    _of_endpoint("probe_dns_additional_rrs", "Records in the additional section."),
    _of_endpoint("probe_dns_query_succeeded", "Whether the server answered the query at all."),
    _of_endpoint("probe_dns_serial", "Serial of the zone, from its SOA record."),
    _of_endpoint("lienthong_probe_tcp_duration_seconds", "Time in each phase of a TCP probe.", "phase"),
    _of_endpoint("lienthong_probe_tcp_rtt_seconds", "Round-trip time of the connection as the kernel measured it."),
    _of_endpoint("lienthong_probe_tcp_retransmits", "Segments that the kernel had to send again while connecting."),
    _of_endpoint("lienthong_probe_icmp_loss_ratio", "Echo requests without a reply, of those sent."),
    _of_endpoint("lienthong_probe_icmp_rtt_min_seconds", "Shortest round-trip time of the probe's replies."),
    _of_endpoint("lienthong_probe_icmp_rtt_mean_seconds", "Mean round-trip time of the probe's replies."),
    _of_endpoint("lienthong_probe_icmp_rtt_max_seconds", "Longest round-trip time of the probe's replies."),
    _of_endpoint(
        "lienthong_probe_icmp_jitter_seconds", "Mean difference between round-trip times that follow each other."
    ),
    _of_endpoint(
        "lienthong_probe_address_remembered", "1 when no resolver answered and the last good address was asked instead."
    ),
)

POINT_FAMILIES: Final = (
    Family(
        "lienthong_points", "gauge", ("status",), "Wards and branches that are probed, by how the verdict counts them."
    ),
    Family("lienthong_wall_info", "gauge", ("url",), "The wall's address as people reach it, for links."),
    Family("lienthong_slo_ratio", "gauge", ("measure",), "What is promised of every point's observed time."),
    Family(
        "lienthong_point_info",
        "gauge",
        ("point", "name", "code", "kind", "area", "latitude", "longitude", "unit_type"),
        "A point of the configuration.",
    ),
    Family(
        "lienthong_point_status", "gauge", ("point", "kind", "area", "status"), "1 for the status that the point has."
    ),
    Family(
        "lienthong_point_stable", "gauge", ("point", "kind", "area"), "Whether the point has been up for long enough."
    ),
    Family(
        "lienthong_point_maintenance", "gauge", ("point", "kind", "area"), "Whether planned work on the point is on."
    ),
    Family(
        "lienthong_point_flapping", "gauge", ("point", "kind", "area"), "Whether the point changes too often to judge."
    ),
    Family(
        "lienthong_point_never_up", "gauge", ("point", "kind", "area"), "Whether the point fails and was never seen up."
    ),
    Family(
        "lienthong_point_open",
        "gauge",
        ("point", "kind", "area"),
        "Whether it is within the point's hours: outside them nobody is called for it.",
    ),
    Family("lienthong_area_info", "gauge", ("area", "name"), "An area of the configuration."),
    Family(
        "lienthong_point_uptime_ratio",
        "gauge",
        ("point", "measure", "window"),
        "Share of the observed time up to now; absent when nothing was observed.",
    ),
    Family(
        "lienthong_point_uptime_coverage_ratio", "gauge", ("point", "window"), "Share of the window that was observed."
    ),
)

COUNTERS: Final = (
    Family("lienthong_results_total", "counter", ("kind", "outcome", "reason"), "Results, by what they found."),
    Family(
        "lienthong_transitions_total",
        "counter",
        ("subject", "kind", "status"),
        "Changes of status of points and of endpoints, by the new status.",
    ),
    Family(
        "lienthong_incidents_opened_total", "counter", ("fault",), "Incidents that opened, by where the fault lies."
    ),
)


def _of_program(kind: Kind, name: str, words: str, *labels: str) -> Family:
    return Family(name, kind, labels, words)


PROGRAM_FAMILIES: Final = (
    _of_program("gauge", "lienthong_incidents", "Open incidents, by where the fault lies.", "severity", "fault"),
    _of_program("gauge", "lienthong_isolated", "1 while the monitor's own network is gone and nothing can be said."),
    _of_program(
        "counter",
        "lienthong_alert_messages_total",
        "Attempts to deliver a message, by how they ended.",
        "channel",
        "outcome",
    ),
    _of_program("gauge", "lienthong_alert_pending", "Messages that wait to be delivered.", "channel"),
    _of_program(
        "gauge",
        "lienthong_alert_oldest_pending_seconds",
        "For how long the longest due of these has been due, else 0.",
    ),
    _of_program("gauge", "lienthong_alerting_info", "1 for who tells people of incidents, 0 for who doesn't.", "by"),
    _of_program("gauge", "lienthong_last_result_timestamp_seconds", "When the newest result came, in Unix time."),
    _of_program(
        "gauge", "lienthong_clock_synchronized", "Whether the kernel says that something keeps its clock right."
    ),
    _of_program(
        "gauge",
        "lienthong_clock_max_error_seconds",
        "By how much the clock may be wrong, as the kernel reckons since it was last set right.",
    ),
    _of_program("gauge", "lienthong_disk_free_bytes", "Free space of the disk on which this lies.", "of"),
    _of_program("gauge", "lienthong_disk_size_bytes", "Size of the disk on which this lies.", "of"),
    _of_program("histogram", "lienthong_schedule_lag_seconds", "How late probes started."),
    _of_program("gauge", "lienthong_probes_in_flight", "Probes under way."),
    _of_program("counter", "lienthong_probes_started_total", "Probes that were started."),
    _of_program("counter", "lienthong_probes_missed_total", "Due times that went by without a probe."),
    _of_program(
        "counter", "lienthong_results_refused_total", "Results that could not be taken in: a fault of the program."
    ),
    _of_program("counter", "lienthong_loop_stalls_total", "Times that the event loop stood still."),
    _of_program("counter", "lienthong_loop_stall_seconds_total", "Time for which the event loop stood still."),
    _of_program(
        "gauge", "lienthong_loop_stall_longest_seconds", "The longest stall of the event loop since the start."
    ),
    _of_program("counter", "lienthong_clock_set_back_total", "Times that the wall clock was set back."),
    _of_program(
        "gauge",
        "lienthong_transitions_pending",
        "Rows, incident events and messages that are decided and not yet shown.",
    ),
    _of_program(
        "gauge", "lienthong_unwritten", "1 while what is shown could be written neither to the database nor the spool."
    ),
    _of_program("gauge", "lienthong_recorder_queued_results", "Results in memory that wait to be written."),
    _of_program("gauge", "lienthong_recorder_last_write_seconds", "How long the last batch took to write."),
    _of_program(
        "gauge",
        "lienthong_recorder_failing_seconds",
        "For how long the database has refused batches, 0 when it takes them.",
    ),
    _of_program(
        "counter", "lienthong_recorder_lost_results_total", "Results that were lost because queue and spool were full."
    ),
    _of_program("gauge", "lienthong_spool_results", "Results in the spool."),
    _of_program("gauge", "lienthong_spool_transitions", "Rows, incident events, messages and deliveries in the spool."),
    _of_program("gauge", "lienthong_stream_listeners", "Pages that listen to the live stream."),
    _of_program(
        "gauge", "lienthong_config_last_reload_successful", "Whether the last reading of the configuration succeeded."
    ),
    _of_program(
        "gauge",
        "lienthong_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read, in Unix time.",
    ),
    _of_program("gauge", "lienthong_build_info", "The program's version and Python's.", "version", "python_version"),
    _of_program("counter", "process_cpu_seconds_total", "CPU time of the process, user and system."),
    _of_program("gauge", "process_max_fds", "Limit of open file descriptors."),
    _of_program("gauge", "process_open_fds", "Open file descriptors."),
    _of_program("gauge", "process_resident_memory_bytes", "Resident memory."),
    _of_program("gauge", "process_start_time_seconds", "When the process started, in Unix time."),
    _of_program("gauge", "process_virtual_memory_bytes", "Virtual memory."),
)

FAMILIES: Final = {
    family.name: family for family in (*ENDPOINT_FAMILIES, *POINT_FAMILIES, *COUNTERS, *PROGRAM_FAMILIES)
}


def known(name: str) -> Family:
    """The family ``name``, with words of the general kind when the catalogue doesn't have it."""
    return FAMILIES.get(name) or _of_endpoint(name, "A number that the prober measured.")
