"""A training report as one self-contained HTML file, with the style, script and charts of the audit's page."""

from __future__ import annotations

from markupsafe import Markup

from independence_audit.evidence.training_report import TrainingReport
from independence_audit.report.html import asset, environment_of, security_policy, style_of, trajectory_of
from independence_audit.report.languages import ENGLISH
from independence_audit.report.plain import visible
from independence_audit.report.training_rows import training_rows
from independence_audit.report.wording import label, say


def render_training_html(report: TrainingReport, lang: str = ENGLISH) -> str:
    """Render a training report as HTML.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    style, script = Markup(style_of(paper=False)), asset("report.js")  # noqa: S704 - our own files
    page = environment_of(lang).get_template("training_page.html.j2")
    text = page.render(
        lang=lang,
        policy=security_policy(style, script),
        style=style,
        script=script,
        subject=visible(report.subject),
        identity=[(label("subject", lang), visible(report.subject)), (label("sampler", lang), report.sampler)],
        training=training_rows(report.training, lang),
        notices=[say(notice, lang) for notice in report.notices],
        command=visible(report.run.command),
        tool=f"{report.tool.name} {report.tool.version}",
        **trajectory_of(report.training, lang),
    )
    return f"{text}\n"
