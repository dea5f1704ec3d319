"""What is asked of PostgreSQL. It adds up the ledger's closed days and lists rows: it never reckons uptime anew.

Times are microseconds since 1970 in the tables, milliseconds for Grafana's units of time, seconds for its time axis.
"""

from __future__ import annotations

from typing import Final

from monitor.incidents.model import Severity
from monitor.language.faults import FAULT_PLACES
from monitor.web.timeline import SEVERITIES as SAID

SEVERITIES: Final = {str(severity): SAID[severity] for severity in Severity}
FAULTS: Final = {str(kind): place for kind, place in FAULT_PLACES.items()}

BEGIN: Final = "($__unixEpochFrom() * 1000000::bigint)"
END: Final = "($__unixEpochTo() * 1000000::bigint)"
HANOI: Final = "AT TIME ZONE 'Asia/Ho_Chi_Minh'"

OPEN_INCIDENTS: Final = """
SELECT i.number, i.severity, split_part(i.fault, ':', 1) AS fault, split_part(i.fault, ':', 2) AS subject,
  (SELECT count(*) FROM incident_points p WHERE p.incident = i.uid) AS points, i.began / 1000 AS began
FROM incidents i
WHERE i.closed IS NULL
ORDER BY i.opened DESC
"""

INCIDENTS_OF_POINT: Final = f"""
SELECT i.number, i.severity, split_part(i.fault, ':', 1) AS fault, i.began / 1000 AS began, i.closed / 1000 AS closed,
  (coalesce(i.closed, (extract(epoch FROM now()) * 1000000)::bigint) - i.began) / 1000000.0 AS lasted
FROM incidents i JOIN incident_points p ON p.incident = i.uid
WHERE p.point = ${{point:sqlstring}} AND i.began < {END} AND coalesce(i.closed, {END}) >= {BEGIN}
ORDER BY i.began DESC
LIMIT 200
"""

TRANSITIONS_OF_POINT: Final = f"""
SELECT t.at / 1000 AS at, s.endpoint, t.previous, t.status, t.reason, t.detail
FROM transitions t JOIN subjects s ON s.id = t.subject
WHERE s.point = ${{point:sqlstring}} AND t.at >= {BEGIN} AND t.at < {END}
ORDER BY t.at DESC, t.id DESC
LIMIT 500
"""

TRANSITIONS_MARKED: Final = f"""
SELECT t.at / 1000000.0 AS time, t.previous || ' → ' || t.status AS title, t.reason || ' ' || t.detail AS text,
  t.status AS tags
FROM transitions t JOIN subjects s ON s.id = t.subject
WHERE s.point = ${{point:sqlstring}} AND s.endpoint = '' AND t.at >= {BEGIN} AND t.at < {END}
ORDER BY t.at
"""

INCIDENTS_MARKED: Final = f"""
SELECT i.began / 1000000.0 AS time, coalesce(i.closed, {END}) / 1000000.0 AS timeend,
  'Sự cố số ' || i.number AS title, i.fault AS text, i.severity AS tags
FROM incidents i JOIN incident_points p ON p.incident = i.uid
WHERE p.point = ${{point:sqlstring}} AND i.began < {END} AND coalesce(i.closed, {END}) >= {BEGIN}
ORDER BY i.began
"""

# The row recorded last is a day's; only then is it chosen by what it says of the point.
_CLOSED: Final = f"""
WITH latest AS (
  SELECT DISTINCT ON (d.subject, d.day) s.point, d.day::date AS date, d.*
  FROM days d JOIN subjects s ON s.id = d.subject
  WHERE d.day >= to_char(to_timestamp($__unixEpochFrom()) {HANOI}, 'YYYY-MM-DD')
    AND d.day <= to_char(to_timestamp($__unixEpochTo() - 1) {HANOI}, 'YYYY-MM-DD')
  ORDER BY d.subject, d.day, d.recorded_at DESC, d.id DESC
), closed AS (
  SELECT *, down + unreachable + faulty + degraded + up AS counted, faulty + degraded + up AS connected,
    degraded + up AS serving,
    down + unreachable + faulty + degraded + up + unknown + unobserved + maintenance AS whole,
    substr(day, 1, 7) AS month
  FROM latest
  WHERE {{chosen}}
)
"""
_BY_VARIABLES: Final = "kind IN (${kind:sqlstring}) AND coalesce(nullif(area, ''), '-') IN (${area:sqlstring})"
CLOSED: Final = _CLOSED.format(chosen=_BY_VARIABLES)
CLOSED_OF_POINT: Final = _CLOSED.format(chosen="point = ${point:sqlstring}")

CONNECTIVITY: Final = "sum(connected) / nullif(sum(counted), 0)::float8 AS connectivity"
SERVICE: Final = "sum(serving) / nullif(sum(counted), 0)::float8 AS service"
OWN: Final = "sum(connected) / nullif(sum(counted - unreachable), 0)::float8 AS own_connectivity"
COVERAGE: Final = "sum(counted) / nullif(sum(whole), 0)::float8 AS coverage"
SUMS: Final = f"{CONNECTIVITY},\n  {SERVICE},\n  {OWN},\n  {COVERAGE}"

VERDICT: Final = """CASE WHEN sum(counted) = 0 THEN NULL
    WHEN sum(connected) >= ${slo_connectivity} * sum(counted) AND sum(serving) >= ${slo_service} * sum(counted)
    THEN 1 ELSE 0 END AS met"""

BUDGET: Final = """1 - (sum(counted - connected) / nullif(sum(counted), 0)::float8) / (1 - ${slo_connectivity})
    AS budget"""

AREA: Final = "coalesce(nullif(max(area_name), ''), 'Không thuộc khu vực')"

KEPT: Final = f"""{CLOSED}
SELECT {CONNECTIVITY}, {SERVICE}
FROM closed
"""

LOOKED_AT: Final = f"""{CLOSED}
SELECT {COVERAGE}, count(DISTINCT point) AS points, count(DISTINCT day) AS days
FROM closed
"""

BY_AREA_AND_MONTH: Final = f"""{CLOSED}
SELECT month, {AREA} AS area, count(DISTINCT point) AS points,
  {SUMS},
  sum(down + unreachable) / 1000000.0 AS cut,
  {BUDGET},
  {VERDICT}
FROM closed
GROUP BY closed.month, closed.area
ORDER BY closed.month DESC, connectivity, area
"""

MONTHS_BY_AREA: Final = f"""{CLOSED}
SELECT month, {AREA} AS area,
  {CONNECTIVITY}
FROM closed
GROUP BY closed.month, closed.area
ORDER BY closed.month, area
"""

BY_DAY: Final = f"""{CLOSED}
SELECT extract(epoch FROM date::timestamp {HANOI}) AS time, {AREA} AS metric,
  {CONNECTIVITY}
FROM closed
GROUP BY closed.date, closed.area
HAVING sum(counted) > 0
ORDER BY 1, 2
"""

BY_POINT: Final = f"""{CLOSED}
SELECT point, max(name) AS name, {AREA} AS area, {SUMS},
  sum(down + unreachable) / 1000000.0 AS cut,
  {VERDICT}
FROM closed
GROUP BY point
ORDER BY connectivity NULLS LAST, cut DESC, point
LIMIT 200
"""

DAYS_OF_POINT: Final = f"""{CLOSED_OF_POINT}
SELECT extract(epoch FROM date::timestamp {HANOI}) AS time, connected / nullif(counted, 0)::float8 AS "Kết nối",
  serving / nullif(counted, 0)::float8 AS "Dịch vụ", counted / nullif(whole, 0)::float8 AS "Độ phủ"
FROM closed
ORDER BY 1
"""

KINDS: Final = "SELECT DISTINCT kind FROM days ORDER BY kind"

AREAS: Final = """
SELECT coalesce(nullif(area, ''), '-') AS __value, coalesce(nullif(area_name, ''), 'Không thuộc khu vực') AS __text
FROM (SELECT DISTINCT ON (area) area, area_name FROM days ORDER BY area, day DESC, recorded_at DESC) AS newest
ORDER BY 2
"""
