"""Waiting for a report, bounded in length and number like the wait for a finding."""

from dataclasses import dataclass
from datetime import timedelta

from triagelens.domain.reports import Report, ReportStatus
from triagelens.services.images import FIRST_PAUSE_S, LEASE_MARGIN, LONGEST_PAUSE_S, PAUSE_GROWTH, Stopwatch
from triagelens.services.ports import WaitingRoom
from triagelens.services.report_ports import ReportRecords


@dataclass(frozen=True)
class ReportWaiting:
    """Long polls on a report."""

    records: ReportRecords
    room: WaitingRoom
    stopwatch: Stopwatch

    def until_done(self, report: Report, seconds: int) -> Report:
        """The report as soon as it is ready or has failed, as it stands after `seconds`, or at once if too
        many wait.

        Raises:
            NotFoundError: it was erased meanwhile.
        """
        if report.status is not ReportStatus.QUEUED:
            return report
        place = self.room.enter(timedelta(seconds=seconds) + LEASE_MARGIN)
        if place is None:
            return report
        try:
            return self._poll(report, seconds)
        finally:
            self.room.leave(place)

    def _poll(self, report: Report, seconds: int) -> Report:
        end = self.stopwatch.now() + seconds
        pause = FIRST_PAUSE_S
        while report.status is ReportStatus.QUEUED and (left := end - self.stopwatch.now()) > 0:
            self.stopwatch.pause(min(pause, left))
            pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_S)
            report = self.records.report(report.report_id)
        return report
