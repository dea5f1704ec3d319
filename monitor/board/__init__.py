"""What is true now, in memory: results go in, decided transitions and views come out."""

from monitor.board.board import Board
from monitor.board.views import Applied, EndpointView, PointView, Tone, Verdict

__all__ = ["Applied", "Board", "EndpointView", "PointView", "Tone", "Verdict"]
