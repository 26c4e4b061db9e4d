"""The report as one self-contained HTML file: no network, a strict content security policy, complete without script."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from independence_audit.evidence.audit_report import AuditReport, TrainingReport
from independence_audit.evidence.measurement import ComponentEvidence, TensorEvidence
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.evidence.training_evidence import TrainingEvidence
from independence_audit.report import charts, numbers
from independence_audit.report.blocks import Where
from independence_audit.report.charts import FRAME
from independence_audit.report.declared_rows import COLUMNS
from independence_audit.report.distribution import CHANCE, Bin, distribution_of, in_words, norm_vectors
from independence_audit.report.languages import ENGLISH
from independence_audit.report.layer_charts import LayerChart, LayerMap, LayerRow, chart_of, layer_rows, map_of
from independence_audit.report.layer_rows import Grid, grid_of, tensor_row
from independence_audit.report.model_drawing import HEIGHT, WIDTH, drawing_of
from independence_audit.report.page import page_of
from independence_audit.report.page_rows import ComponentRow, ReferenceRow, layers_title
from independence_audit.report.plain import shortened, visible
from independence_audit.report.sections import document_of
from independence_audit.report.style import PACKAGE, dress_of, style_of
from independence_audit.report.training_rows import CHECKPOINT_COLUMNS, checkpoint_rows, order_of, training_rows
from independence_audit.report.trajectory_charts import trajectory_charts
from independence_audit.report.wording import catalogue, label, say, word

SHEET_WIDTH = 660.0
"""Pixels between the margins of a sheet of A4; a wider drawing is scaled down to them on paper."""
LONGEST_TITLE = 1000
"""Characters of a whole name in a tooltip; the JSON report has all of it."""

CONTENTS = (
    ("drawing", "drawing"),
    ("criteria", "criteria"),
    ("training", "training_title"),
    ("layers", "layers"),
    ("trap", "trap"),
    ("distribution", "distribution"),
    ("tensors", "tensors"),
    ("method", "method"),
    ("provenance", "provenance"),
)
"""Anchors of the sections below the first screen, with their label keys."""
LAID_OUT = frozenset(
    {
        *("opinion", "facts", "open", "components", "criteria", "declared", "training_title", "training_component"),
        *("changes", "cannot_judge", "would_change", "notices", "reproduce", "references", "comparisons", "layers"),
        *("layers_of", "trap", "distribution", "provenance"),
    }
)
"""The sections that the template lays out with drawings, forms and folds; any other is written block by block."""
TENSOR_COLUMNS = (
    ("tensor", False),
    ("component", False),
    ("layer", True),
    ("role", False),
    ("relation", False),
    ("correlation", True),
    ("z", True),
    ("p_value", True),
    ("identical", True),
    ("detection_bound", True),
    ("cosine", True),
    ("reference", False),
    ("note", False),
)
"""Label keys of the tensor table's columns, and whether they hold figures."""


@dataclass(frozen=True, slots=True)
class Tower:
    """A component's layers: the chart and the table behind it."""

    row: ComponentRow
    title: str
    grid: Grid
    chart: charts.Heatmap
    rows: tuple[LayerRow, ...]
    map: LayerMap | None
    line: LayerChart | None


def render(report: AuditReport, lang: str = ENGLISH) -> str:
    """Render a report as HTML.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    return document(report, lang)


def document(report: AuditReport, lang: str, *, paper: bool = False) -> str:
    """Write the page; for paper without what only a screen can use: script, navigation, the long list of tensors.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    page = page_of(report, lang)
    vectors, distribution = norm_vectors(report.tensors), distribution_of(report)
    style, script = Markup(style_of(paper=paper)), asset("report.js")  # noqa: S704 - our own files
    return (
        environment_of(lang)
        .get_template("report.html.j2")
        .render(
            lang=lang,
            paper=paper,
            page=page,
            policy=security_policy(style, script),
            style=style,
            dress=dress_of(paper=paper),
            script=script,
            relations=list(Relation),
            found=FOUND,
            towers=[
                _tower(row, component, report.tensors, lang)
                for row, component in zip(page.components, report.components, strict=True)
            ],
            drawing=drawing_of(
                page.components, [c.kind for c in report.components], [c.parameters for c in report.components]
            ),
            training=training_rows(report.training, lang),
            **trajectory_of(report.training, lang),
            vectors=vectors,
            groups=charts.groups_of(
                vectors, {c.name: row.kind for row, c in zip(page.components, report.components, strict=True)}
            ),
            cosines=charts.cosine_scatter(vectors),
            scores=charts.z_scatter(vectors),
            distribution=distribution,
            distribution_words=in_words(distribution, lang),
            histogram=charts.histogram_of(distribution),
            tensors=[tensor_row(tensor, lang) for tensor in report.tensors],
            contents=[entry for entry in CONTENTS if entry[0] != "training" or report.training],
            columns=TENSOR_COLUMNS,
            declared_columns=COLUMNS,
            component_index={row.name: number for number, row in enumerate(page.components)},
            further=[section for section in document_of(report, lang).sections if section.key not in LAID_OUT],
            here=Where.MARKDOWN,
            methods=[
                word("method", key.partition(".")[2], lang) for key in catalogue(lang) if key.startswith("method.")
            ],
        )
        + "\n"
    )


def render_training(report: TrainingReport, lang: str = ENGLISH) -> str:
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
        dress=dress_of(paper=False),
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


def trajectory_of(training: TrainingEvidence | None, lang: str) -> dict[str, object]:
    """What templates show of a trajectory: its checkpoints, and a chart for every component."""
    trajectory = training.trajectory if training else None
    return {
        "checkpoint_columns": CHECKPOINT_COLUMNS,
        "checkpoint_order": order_of(trajectory, lang) if trajectory else "",
        "checkpoints": checkpoint_rows(trajectory, lang) if trajectory else (),
        "trajectories": trajectory_charts(training, FRAME) if training else (),
    }


def environment_of(lang: str) -> Environment:
    """Templates that escape everything and fail on what is missing."""
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "sheet_width": SHEET_WIDTH,
        "frame": FRAME,
        "box_size": (WIDTH, HEIGHT),
        "cell": (charts.CELL, charts.CELL_HEIGHT),
        "bar_width": charts.BAR,
        "chance": CHANCE,
        "longest_title": LONGEST_TITLE,
        "label": lambda key, **data: label(key, lang, **data),
        "word": lambda group, key: word(group, key, lang),
    }
    environment.filters |= {
        "shortened": shortened,
        "visible": visible,
        "coefficient": numbers.coefficient,
        "score": numbers.score,
        "decimal": numbers.decimal,
        "percent": numbers.percent,
        "bar": lambda row: charts.bar_of([(share.relation, share.fraction) for share in row.shares]),
        "block_kind": lambda block: type(block).__name__,
        "parts": lambda cell: (cell, "") if isinstance(cell, str) else (cell.text, cell.below),
        "bin_name": lambda bin_: _bin_name(bin_, lang),
        "facts": lambda row: _reference_facts(row, lang),
    }
    return environment


def _tower(row: ComponentRow, component: ComponentEvidence, tensors: tuple[TensorEvidence, ...], lang: str) -> Tower:
    own = [tensor for tensor in tensors if tensor.component == component.name]
    grid, rows = grid_of(own), layer_rows(component.layers, own)
    return Tower(row, layers_title(row, lang), grid, charts.heatmap_of(grid), rows, map_of(rows), chart_of(rows, FRAME))


def _reference_facts(row: ReferenceRow, lang: str) -> list[tuple[str, str]]:
    """What is known of a reference; what is not known takes no room."""
    facts = (("owner", row.owner), ("source", row.source), ("licence", row.licence), ("ancestors", row.ancestors))
    return [(label(key, lang), text) for key, text in (*facts, ("sampler", row.sampler)) if text != numbers.NONE]


def _bin_name(bin_: Bin, lang: str) -> str:
    key, low, high = charts.bin_name(bin_.low, bin_.high)
    return label(key, lang, low=low, high=high, edge=high if low is None else low)


def asset(name: str) -> Markup:
    """Read a script of this package, which is trusted as it is."""
    return Markup((files(PACKAGE) / "templates" / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def security_policy(style: str, script: str) -> str:
    """What a page may load and run: its own style and script, and nothing else."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; base-uri 'none'; "
        "form-action 'none'"
    )


def _source(text: str) -> str:
    """Name an inline style or script by its digest, so that no other is let through."""
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
