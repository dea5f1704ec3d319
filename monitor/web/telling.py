"""What is told of a troubled point wherever it is shown: since when, why, which endpoint. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitor.language.reasons import explain
from monitor.language.words import Words
from monitor.model import Outcome, Reason

if TYPE_CHECKING:
    from monitor.board import PointView


def when(view: PointView, words: Words, now: datetime) -> str:
    """Since when it is as it is: "từ 10:05:12", "giữa 10:05 và 10:10" when nobody looked meanwhile."""
    if view.never:
        return words.gettext("chưa từng kết nối")
    if view.since is None:
        return ""
    if view.not_before is not None:
        return words.between(view.not_before, view.since, now)
    return words.gettext("từ %s") % words.moment(view.since, now)


def reason(view: PointView, words: Words) -> str:
    """Why, with the figure where it is a matter of time."""
    text = explain(words, view.reason, view.failed_phase, view.detail)
    if view.reason is not Reason.LATENCY:
        return text
    for each in view.endpoints:
        last = each.last
        budget = each.endpoint.module.budgets.latency
        if each.reason is Reason.LATENCY and last is not None and last.outcome is Outcome.UP and budget is not None:
            return words.gettext("trả lời sau %(latency)s, ngưỡng %(budget)s") % {
                "latency": words.latency(last.latency_seconds),
                "budget": words.latency(budget.total_seconds()),
            }
    return text


def culprit(view: PointView) -> str:
    """The name of the endpoint that the point's status comes from."""
    for each in view.endpoints:
        if each.endpoint.key.endpoint == view.culprit:
            return each.endpoint.name
    return ""
