"""What is true now, in memory: results go in, decided transitions and views come out."""

from monitor.board.views import Applied, EndpointView, PointView, Tone, Verdict

__all__ = ["Applied", "EndpointView", "PointView", "Tone", "Verdict"]
