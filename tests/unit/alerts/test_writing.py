"""The first message counts those who are about to be confirmed."""

from __future__ import annotations

from datetime import timedelta

from monitor.alerts.rendering import Renderer
from monitor.alerts.writing import Writer
from monitor.model import Fault
from tests.unit.alerts.told_world import Story, channel


def test_whom_a_fault_touches_in_all_likelihood_is_counted_once() -> None:
    story = Story()
    story.tell(*story.opened("i1", "label:area=west", "b"))

    def likely(fault: Fault) -> set[str]:
        return {"b", "c", "hub"} if str(fault) == "label:area=west" else set()

    writer = Writer(
        story.config,
        channel("duty"),
        renderer=Renderer("vi", "https://wall.example"),
        incidents=story.incidents.get,
        likely=likely,
    )
    (item,) = writer.envelope(story.messages, late_seconds={}, now=story.now).items
    assert item.data["affected"] == 3
    story.tell(*story.closed("i1"))
    (item,) = writer.envelope(story.messages[:1], late_seconds={}, now=story.now + timedelta(seconds=1)).items
    assert item.data["affected"] == 1, "what is over is counted as it was"
