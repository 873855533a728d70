"""A page to try a network on: drop a picture, see it under the colours of its classes."""

import os
from collections.abc import Callable, Sequence
from html import escape
from types import ModuleType
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmseg_custom.errors import import_extra
from mmseg_custom.inference.demo_upload import read_upload
from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.labels import Labels
from mmseg_custom.inference.model_choices import Load
from mmseg_custom.inference.painting import class_shares, enlarge_small, overlay_classes

MAX_FILE_SIZE = '20mb'
# Uploads and results of a session; who comes back after an hour sends the picture again.
KEPT_SECONDS = 3600
CLOSED = {'share': False, 'ssr_mode': False, 'pwa': False, 'mcp_server': False, 'run_history': False, 'quiet': True}
# More than a browser shows without scrolling, and each change of opacity paints all of them anew.
SHOWN_PIXELS = 1600 * 1600
STYLE = """
.areas { border: 0 !important; border-collapse: collapse; width: 100%; }
.areas tr { border: 0 !important; border-bottom: 1px solid #8884 !important; }
.areas td { padding: 3px 8px; border: 0 !important; }
.areas td.share { text-align: right; font-variant-numeric: tabular-nums; }
.areas .swatch { display: inline-block; width: 1em; height: 1em; border: 1px solid #888; vertical-align: -0.1em; }
"""


class Shown(NamedTuple):
    """What the page has of a picture: its pixels (BGR) and classes, at most :data:`SHOWN_PIXELS`, and their names."""

    image: np.ndarray
    classes: np.ndarray
    labels: Labels


def build_page(names: Sequence[str], load: Load, title: str = 'Semantic segmentation') -> tuple[Any, dict[str, Any]]:
    """Build the page; nothing in it is loaded from outside, and nothing about its use is sent anywhere.

    Args:
        names: The models to choose among.
        load: Gives the predictor of a name.
        title: Heading of the page.

    Returns:
        A ``gradio.Blocks``, and the arguments its ``launch`` needs to stay private.

    Raises:
        MissingExtraError: If Gradio is not installed.
    """
    gr = import_gradio()
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(KEPT_SECONDS, KEPT_SECONDS)) as page:
        gr.Markdown(f'# {escape(title)}')
        shown = gr.State(time_to_live=KEPT_SECONDS)
        with gr.Row():
            with gr.Column(scale=2):
                upload = gr.Image(
                    type='filepath', image_mode=None, sources=['upload', 'clipboard'], label='Picture', buttons=[]
                )
                model = gr.Dropdown(list(names), value=names[0], label='Model')
                opacity = gr.Slider(0, 1, 0.5, step=0.05, label='Opacity of the colours')
            with gr.Column(scale=3):
                overlay = gr.Image(
                    interactive=False, format='jpeg', show_label=False, buttons=['download'], elem_id='prediction'
                )
                areas = gr.HTML()
        _take_uploads_only(upload)
        predict = _guarded(gr, _predict_with(load))
        private = {'api_visibility': 'private', 'concurrency_limit': 1, 'concurrency_id': 'network'}
        for event in (upload.change, model.change):
            event(predict, [upload, model, opacity], [shown, overlay, areas], **private)
        live = {'trigger_mode': 'always_last', 'show_progress': 'hidden'}
        opacity.input(_paint, [shown, opacity], overlay, **live, **private)
    theme = gr.themes.Default(font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace'])
    return page, {**CLOSED, 'max_file_size': MAX_FILE_SIZE, 'theme': theme, 'css': STYLE, 'footer_links': []}


def import_gradio() -> ModuleType:
    """Gradio, with its reports home switched off before it is imported."""
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    return import_extra('gradio', 'demo')


def area_table(classes: np.ndarray, labels: Labels) -> str:
    """The classes in a picture as an HTML table, the largest first: colour, name and share of the pixels."""
    shares = sorted(zip(class_shares(classes, labels), labels.classes, labels.palette, strict=True), reverse=True)
    rows = [
        f'<tr><td><span class="swatch" style="background: rgb{tuple(colour)}"></span> {escape(name)}</td>'
        f'<td class="share">{_percent(share)}</td></tr>'
        for share, name, colour in shares
        if share > 0
    ]
    return f'<table class="areas">{"".join(rows)}</table>'


def _percent(share: float) -> str:
    return f'{100 * share:.1f} %' if share >= 0.0005 else '&lt; 0.1 %'


def _predict_with(load: Load) -> Callable[..., tuple]:
    def predict(path: str | None, name: str, opacity: float) -> tuple[Shown | None, np.ndarray | None, str]:
        if path is None:
            return None, None, ''
        predictor, image = load(name), read_upload(path)
        classes = predictor.predict(image).classes
        shown = Shown(*_fitted(*enlarge_small(image, classes)), predictor.labels)
        return shown, _paint(shown, opacity), area_table(classes, predictor.labels)

    return predict


def _paint(shown: Shown | None, opacity: float) -> np.ndarray | None:
    """The overlay, RGB."""
    if shown is None:
        return None
    return overlay_classes(*shown, opacity)[:, :, ::-1]


def _fitted(image: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, made smaller if they are large: moving the slider sends them each time."""
    factor = min(1, (SHOWN_PIXELS / classes.size) ** 0.5)
    size = tuple(max(1, round(side * factor)) for side in classes.shape[::-1])
    return (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA),
        cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST),
    )


def _guarded(gr: ModuleType, function: Callable[..., tuple]) -> Callable[..., tuple]:
    """Show what a user can mend; Gradio renders messages as HTML."""

    def guarded(*arguments: Any) -> tuple:
        try:
            return function(*arguments)
        except (InputError, OSError) as error:
            raise gr.Error(escape(str(error)), print_exception=False) from error

    return guarded


def _take_uploads_only(upload: Any) -> None:
    """Refuse addresses in place of an upload, which Gradio would fetch for whoever asks."""
    keep = upload.async_move_resource_to_block_cache

    async def keep_local(path: Any) -> Any:
        if not os.path.isabs(str(path)):  # noqa: PTH117
            raise InputError('Only uploads are read.')
        return await keep(path)

    upload.async_move_resource_to_block_cache = keep_local
