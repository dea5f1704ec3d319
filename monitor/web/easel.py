"""What every page is drawn with: templates, words for each language, the themes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from monitor.language import LANGUAGES, N_, choose, pick
from monitor.language.words import Words
from monitor.web.keys import ASSETS

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("dark", "light")
COOKIE_SECONDS = 10 * 365 * 86400
LANGUAGE_NAMES = {"vi": "Tiếng Việt", "en": "English"}

BROWSER_WORDS = {
    "fresh": N_("Dữ liệu mới %s trước"),
    "late": N_("Dữ liệu cũ %s"),
    "nothing": N_("Chưa có dữ liệu"),
    "old": N_("Hình cũ %s"),
    "across": N_("HÌNH CŨ"),
    "stopped": N_("Hình dừng lúc %s."),
    "never": N_("Chưa nối được tới máy chủ."),
    "retry": N_("Đang nối lại, lần thứ %s…"),
    "back": N_("Đã nối lại lúc %(at)s, mất hình %(time)s"),
    "sound-ask": N_("Bấm để bật âm báo"),
    "sound-on": N_("Âm báo bật"),
    "sound-off": N_("Âm báo tắt"),
    "spooling": N_("Chưa ghi được vào cơ sở dữ liệu, đang giữ tạm trên đĩa"),
    "unwritten": N_("Chưa ghi được xuống đĩa, đang giữ tạm"),
    "simulated": N_("Mạng mô phỏng"),
    "ago": N_("%s trước"),
    "budget": N_("ngưỡng %s"),
    "act-acknowledge": N_("Nhận xử lý sự cố %s"),
    "act-note": N_("Ghi chú vào sự cố %s"),
    "act-silence": N_("Tạm ngừng báo về sự cố %s"),
    "act-close": N_("Nguyên nhân của sự cố %s"),
    "go-acknowledge": N_("Nhận xử lý"),
    "go-note": N_("Ghi chú"),
    "go-silence": N_("Tạm ngừng báo"),
    "go-close": N_("Ghi nguyên nhân"),
    "act-done": N_("Đã ghi."),
    "act-token": N_("Từ máy này cần mã truy cập."),
    "act-forbidden": N_("Mã truy cập này không được phép làm việc đó."),
    "act-closed": N_("Sự cố đã đóng."),
    "act-wrong": N_("Máy chủ không nhận điều vừa điền."),
    "act-failed": N_("Máy chủ gặp lỗi, chưa ghi được."),
    "act-lost": N_("Không nối được tới máy chủ, chưa ghi được."),
}


class Easel:
    """A template environment and the words for each language."""

    def __init__(self, app: web.Application) -> None:
        self.words = {language: Words(language) for language in LANGUAGES}
        self._environments = {language: _environment(app, words) for language, words in self.words.items()}

    def share(self, **values: object) -> None:
        """Let every template find these."""
        for environment in self._environments.values():
            environment.globals.update(values)

    def render(self, language: str, template: str, /, **values: Any) -> str:
        """A template with the language's words."""
        return self._environments[language].get_template(template).render(**values)

    def page(self, request: web.Request, template: str, /, *, status: int = 200, **values: Any) -> web.Response:
        """A whole page in the language and theme that the request wants; a wish in its query is remembered."""
        language, theme = choose(request), pick(request, "theme", THEMES)
        text = self.render(
            language,
            template,
            **values,
            language=language,
            theme=theme,
            other_theme=_other(THEMES, theme),
            other_language=_other(LANGUAGES, language),
            other_language_name=LANGUAGE_NAMES[_other(LANGUAGES, language)],
            browser_words=_browser_words(self.words[language]),
        )
        response = web.Response(text=text, status=status, content_type="text/html")
        response.headers["Cache-Control"] = "no-store"
        for name, value in (("lang", language), ("theme", theme)):
            if request.query.get(name) == value:
                response.set_cookie(name, value, max_age=COOKIE_SECONDS, samesite="Lax")
        return response


def _environment(app: web.Application, words: Words) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.globals.update(static=app[ASSETS].url, words=words)
    return environment


def _browser_words(words: Words) -> Markup:
    """What scripts say, as JSON that is safe inside a page."""
    content: dict[str, object] = {name: words.gettext(text) for name, text in BROWSER_WORDS.items()}
    content["durations"] = words.duration_formats()
    return Markup(json.dumps(content, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704  (no tag can end it)


def _other(choices: tuple[str, ...], current: str) -> str:
    return choices[(choices.index(current) + 1) % len(choices)]
