"""The page "Installation": what the worker's last examination found, without a wait for a new one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from common.admin import ReadOnlyAdmin
from common.badges import Tone, badge
from common.findings import Finding, Level
from operations.doctor import reports, tasks
from operations.models import Report

TEMPLATE = "admin/operations/report/installation.html"
TONES = {Level.ERROR: Tone.BAD, Level.WARNING: Tone.WARNING, Level.OK: Tone.GOOD}
LABELS = {
    Level.ERROR: gettext_lazy("wrong"),
    Level.WARNING: gettext_lazy("doubtful"),
    Level.OK: gettext_lazy("fine"),
}


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """One page in place of the list. There are no pages for rows, because there is only one row."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.installation_view), name="operations_report_changelist"),
            path("check/", wrap(self.check_view), name="operations_report_check"),
        ]

    @method_decorator(require_GET)
    def installation_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        latest = reports.latest()
        shown = [(state_of(finding), finding) for finding in latest.findings] if latest else []
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Installation"),
            "opts": self.opts,
            "report": latest,
            "problems": [row for row in shown if row[1].level != Level.OK],
            "fine": [row for row in shown if row[1].level == Level.OK],
            "may_check": self.has_operate_permission(request),
        }
        return TemplateResponse(request, TEMPLATE, context)

    @method_decorator(require_POST)
    def check_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        tasks.request_examination()
        messages.success(request, _("A worker is checking. Load this page again in a few seconds."))
        return redirect("admin:operations_report_changelist")


def state_of(finding: Finding) -> SafeString:
    return badge(LABELS[finding.level], TONES[finding.level])
