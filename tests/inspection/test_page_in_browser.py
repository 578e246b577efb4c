"""The page in a real Chromium: what a person sees, clicks and types. `--browser` fetches one where none is."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.errors import RoutingError
from llmroute.inspection.data import page_data
from llmroute.inspection.page import page
from llmroute.inspection.server import Reading, Server, Watched
from llmroute.routing.explain import destination
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.inspection.conftest import subject
from tests.inspection.specs import HOSTILE, SMALL, many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.inspection.chromium import Page

pytestmark = pytest.mark.browser

FOCUS = "document.activeElement"


@pytest.fixture
def look(tab: Page, tmp_path: Path) -> Callable[..., Page]:
    """Opens the page of a spec."""

    def open_page(text: str = SMALL, width: int = 1440, height: int = 900, title: str = "routing.yaml") -> Page:
        file = tmp_path / "page.html"
        file.write_text(page({**page_data(subject(text)), "title": title}), encoding="utf-8")
        tab.open(file.as_uri(), width, height)
        return tab

    return open_page


def cell(row: int, column: int) -> str:
    return f'#body [data-r="{row}"][data-c="{column}"]'


def text_of(tab: Page, selector: str) -> str:
    return str(tab.js(f"document.querySelector({json.dumps(selector)}).innerText"))


def said(shown: Any, agent: str | None, purpose: str | None, client: str | None = None) -> str:
    try:
        return destination(resolve(shown.spec, Query(agent, purpose, client), {}).target)
    except RoutingError as error:
        return f"No route: {error.rule}"


def test_every_cell_and_its_explanation_are_the_resolvers(look: Callable[..., Page]) -> None:
    tab, shown = look(), subject(SMALL)
    agents, purposes = [None, *shown.spec.agents], [None, *shown.spec.purposes]
    for client, name in enumerate([None, "ci"]):
        tab.js(f"$('client').value = {client}; $('client').dispatchEvent(new Event('change'))")
        for row, agent in enumerate(agents):
            for column, purpose in enumerate(purposes, 1):
                tab.click(cell(row, column))
                assert text_of(tab, "#detail-title") == said(shown, agent, purpose, name)
                label = tab.js(f"document.querySelector('{cell(row, column)}').getAttribute('aria-label')")
                assert said(shown, agent, purpose, name).removeprefix("No route: ") in label


def test_the_explanation_shows_losers_policies_and_lines(look: Callable[..., Page]) -> None:
    tab = look()
    tab.click(cell(2, 2))
    why = text_of(tab, "#why")
    for part in (
        "openai / gpt-6-sol",
        "agents.reviewer.purposes.planning",
        "says nothing",
        "client arguments",
        "weaker layer",
        "If it fails",
        "Left out",
        "ollama/llama3.1:8b",
        "because reviews are read by lawyers",
        "policies.reviews-stay-with-vendors",
        "llmroute explain --agent reviewer --purpose planning",
    ):
        assert part in why
    marked = tab.js("[...document.querySelectorAll('.yaml.won')].map((line) => line.innerText)")
    assert any("model: openai/gpt-6-sol" in line for line in marked)
    assert any("deny: {providers: [ollama]}" in line for line in marked)
    assert tab.js("document.querySelectorAll('.yaml.lost').length") > 0


def test_a_hostile_spec_does_nothing(look: Callable[..., Page]) -> None:
    tab = look(HOSTILE, title="<img src=x onerror=window.hacked=8>.yaml")
    for row in range(2):
        for column in range(1, 3):
            tab.click(cell(row, column))
    tab.js("closeDetail(); view('graph')")
    tab.js("search('<img'); view('matrix')")
    assert tab.js("window.hacked") is None
    assert tab.js("document.querySelectorAll('img, iframe, svg[onload]').length") == 0
    assert "</script><img" in text_of(tab, "#body")
    assert text_of(tab, "h1") == "<img src=x onerror=window.hacked=8>.yaml"


def test_the_policy_stops_what_would_be_put_in(look: Callable[..., Page], tabs: Callable[[], Page]) -> None:
    url = look().js("location.href")
    other = tabs()
    other.open(url)
    assert "TrustedHTML" in other.js("try { document.body.innerHTML = '<b>x</b>' } catch (error) { String(error) }")
    other.js("document.body.append(Object.assign(document.createElement('div'), {textContent: 'kept'}))")
    other.js("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert any("connect-src" in complaint for complaint in other.complaints())


def test_arrow_keys_move_enter_opens_and_escape_gives_the_focus_back(look: Callable[..., Page]) -> None:
    tab = look()
    tab.js(f"document.querySelector('{cell(0, 0)}').focus()")
    tab.press("ArrowDown", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp")
    assert tab.js(f"[{FOCUS}.dataset.r, {FOCUS}.dataset.c]") == ["1", "2"]
    assert tab.js(f"getComputedStyle({FOCUS}).outlineStyle") == "solid"
    tab.press("Enter")
    assert tab.js(f"{FOCUS}.id") == "detail-title"
    assert tab.js("document.querySelectorAll('[aria-selected=true]').length") == 1
    tab.press("Escape")
    assert tab.js("$('detail').hidden")
    assert tab.js(f"[{FOCUS}.dataset.r, {FOCUS}.dataset.c]") == ["1", "2"]
    tab.press("End")
    assert tab.js(f"{FOCUS}.dataset.c") == "3"
    tab.press("Home", "ArrowLeft", "ArrowUp", "ArrowUp")
    assert tab.js(f"[{FOCUS}.dataset.r, {FOCUS}.dataset.c]") == ["0", "0"]
    assert tab.js("document.querySelectorAll('#body [tabindex=\"0\"]').length") == 1
    tab.press("/")
    assert tab.js(f"{FOCUS}.id") == "search"


def test_the_grid_is_one_to_who_cannot_see_it(look: Callable[..., Page]) -> None:
    tab = look()
    tree = tab.send("Accessibility.getFullAXTree", {})["nodes"]
    roles = [node["role"]["value"] for node in tree if not node["ignored"]]
    assert roles.count("grid") == 1
    assert roles.count("columnheader") == 4
    assert roles.count("rowheader") == 4
    assert roles.count("gridcell") == 12
    names = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "gridcell"]
    assert "file-picker, planning: ollama / llama3.1:8b, local" in names
    for role in ("button", "combobox", "searchbox"):
        assert all(node["name"]["value"] for node in tree if not node["ignored"] and node["role"]["value"] == role)


def test_search_finds_agents_models_and_providers(look: Callable[..., Page]) -> None:
    tab = look()
    for wanted, found in {
        "picker": ["file-picker"],
        "ollama": ["file-picker", "reviewer"][:1],
        "haiku": [],
        "gpt-6-sol": ["reviewer"],
        "constraint": ["stuck"],
        "sonnet": ["no agent"],
    }.items():
        tab.js(f"search({json.dumps(wanted)})")
        heads = tab.js("[...document.querySelectorAll('#body [role=rowheader]')].map((head) => head.innerText)")
        assert heads == found, wanted
        assert tab.js("$('nothing').hidden") is bool(found)


def test_a_change_computed_ahead_moves_the_cells_that_the_resolver_moves(look: Callable[..., Page]) -> None:
    tab, shown = look(), subject(SMALL)
    tab.js("$('try-name').value = 'env LLMROUTE_MODEL'; $('try-name').dispatchEvent(new Event('change'))")
    values = tab.js("[...$('try-known').options].map((option) => option.text)")
    tab.js(f"$('try-known').selectedIndex = {values.index('openai/gpt-6-luna')};"
           "$('try-known').dispatchEvent(new Event('change'))")  # fmt: skip
    moved = 0
    for agent in (None, *shown.spec.agents):
        for purpose in (None, *shown.spec.purposes):
            before = said(shown, agent, purpose)
            try:
                after = destination(
                    resolve(shown.spec, Query(agent, purpose), {"LLMROUTE_MODEL": "openai/gpt-6-luna"}).target
                )
            except RoutingError as error:
                after = f"No route: {error.rule}"
            moved += before != after
    assert text_of(tab, "#status") == f"{moved} of 12 answers change"
    assert tab.js("document.querySelectorAll('.cell.changed').length") == moved
    tab.click(cell(0, 1))
    assert "--set-env LLMROUTE_MODEL=openai/gpt-6-luna" in text_of(tab, "#why")
    assert "env LLMROUTE_MODEL" in text_of(tab, "#why")
    tab.click("#tried button")
    assert tab.js("document.querySelectorAll('.cell.changed').length") == 0
    assert re.fullmatch(r"Computed ahead: \d+ single changes\. .*", text_of(tab, "#status"))


def test_the_graph_leads_from_agents_to_targets_to_fallbacks(look: Callable[..., Page]) -> None:
    tab = look()
    tab.click("#show-graph")
    nodes = tab.js("[...document.querySelectorAll('#graph .node')].map((node) => node.getAttribute('aria-label'))")
    assert "file-picker, 1 way; leads to ollama/llama3.1:8b" in nodes
    assert "stuck, 1 way; leads to no route, constraint-violated" in nodes
    assert tab.js("document.querySelectorAll('#graph .edge.then').length") > 0
    tab.js("document.querySelector('#graph .node').focus()")
    assert tab.js("document.querySelectorAll('#graph .node.off').length") > 0
    tab.press("Enter")
    assert not tab.js("$('matrix').hidden")
    assert tab.js(f"{FOCUS}.innerText") == "no agent"
    tab.js("view('graph'); [...document.querySelectorAll('#graph .node')].find((n) => n.ariaLabel[0] === 'r').focus()")
    tab.press("Enter")
    assert tab.js(f"{FOCUS}.innerText") == "reviewer"
    tab.js("view('graph'); [...document.querySelectorAll('#graph .node')].find((n) => n.ariaLabel[0] === 'l').focus()")
    tab.press("Enter")
    assert tab.js("$('search').value") == "ollama/llama3.1:8b"


def test_a_box_of_the_graph_lights_up_its_own_ways_alone(look: Callable[..., Page]) -> None:
    same = "model: openai/x"
    text = f"version: 1\nagents:\n  a: {{{same}, fallbacks: [anthropic/y]}}\n  b: {{{same}, fallbacks: []}}\n"
    tab = look(text)
    tab.click("#show-graph")
    lit = "[...document.querySelectorAll('#graph .node:not(.off)')].map((node) => node.ariaLabel.split(',')[0])"
    # Both ask x first; only one of them goes on.
    for agent, ways in {"a": ["a", "x", "y"], "b": ["b", "x"]}.items():
        tab.js(f"[...document.querySelectorAll('#graph .node')].find((n) => n.ariaLabel[0] === '{agent}').focus()")
        assert tab.js(lit) == ways
    assert tab.js("document.querySelectorAll('#graph .edge:not(.off)').length") == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_the_systems_and_can_be_chosen(look: Callable[..., Page], tab: Page, theme: str) -> None:
    tab.prefer(prefers_color_scheme=theme)
    look()
    colour = {"light": "rgb(252, 252, 251)", "dark": "rgb(20, 21, 24)"}
    background = "getComputedStyle(document.body).backgroundColor"
    assert tab.js(background) == colour[theme]
    tab.click("#theme")
    assert tab.js(background) == colour["light"]
    tab.click("#theme")
    assert (text_of(tab, "#theme"), tab.js(background)) == ("Theme: dark", colour["dark"])
    tab.click("#theme")
    assert tab.js(background) == colour[theme]


def test_nothing_moves_for_who_wants_it_still(look: Callable[..., Page], tab: Page) -> None:
    tab.prefer(prefers_reduced_motion="reduce")
    look()
    assert tab.js(f"getComputedStyle(document.querySelector('{cell(0, 1)}')).transitionDuration") == "0s"
    tab.prefer(prefers_reduced_motion="no-preference")
    assert tab.js(f"getComputedStyle(document.querySelector('{cell(0, 1)}')).transitionDuration") != "0s"


def test_a_phone_shows_all_without_scrolling_the_page_sideways(look: Callable[..., Page]) -> None:
    tab = look(width=390, height=844)
    sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not tab.js(sideways)
    assert not tab.js("$('trying').open")
    tab.click(cell(2, 1))
    box = tab.js(
        "(() => { const box = $('detail').getBoundingClientRect(); return [box.x, box.width, box.height]; })()"
    )
    assert (box[0], box[2]) == (0, 844)
    assert not tab.js(sideways)
    assert tab.js("$('why').scrollWidth <= $('why').clientWidth")
    tab.click("#close")
    assert tab.js("$('detail').hidden")
    tab.js("view('graph')")
    assert not tab.js(sideways)


SCROLLED = """(async () => {
  const times = [];
  for (let step = 1; step <= 30; step++) {
    const began = performance.now();
    $('grid').scrollTop = (step % 2) * 1130;
    drawBody(false);
    document.body.offsetHeight;
    times.push(performance.now() - began);
    await new Promise((done) => requestAnimationFrame(done));
  }
  return times.sort((one, other) => one - other)[10];
})()"""


def test_a_thousand_agents_stay_fluid(look: Callable[..., Page]) -> None:
    tab = look(many(60, 20))
    few = tab.js(SCROLLED)
    tab = look(many())
    tab.js("S.grouped && $('group').click()")
    assert tab.js("$('grid').getAttribute('aria-rowcount')") == "1002"
    tab.click(cell(3, 1))
    tab.click("#close")
    # What is drawn is what can be seen, and so a step takes as long as with a few agents, whatever the machine.
    assert tab.js("document.querySelectorAll('#body .cell').length") < 600
    assert tab.js(SCROLLED) < 3 * few
    tab.js("moveTo(1000, 21, true)")
    assert tab.js(f"{FOCUS}.getAttribute('aria-label')").startswith("agent-999, purpose-19:")
    tab.press("Home")
    assert tab.js(f"{FOCUS}.innerText") == "agent-999"
    tab.js("$('grid').scrollTop = 0; drawBody(false)")
    assert tab.js("document.querySelectorAll('#body [tabindex=\"0\"]').length") == 1
    tab.js("$('group').click()")
    assert int(tab.js("$('grid').getAttribute('aria-rowcount')")) < 40
    tab.js("view('graph')")
    assert tab.js("document.querySelectorAll('#graph .node').length") < 60


@pytest.fixture
def served(tab: Page) -> Iterator[tuple[Page, dict[str, str]]]:
    """A page that is served, and the text of its spec, which may be edited; `problems` stands for errors."""
    state = {"text": SMALL, "problems": "", "stamp": "0"}

    def read() -> Reading:
        return Reading(None, state["problems"]) if state["problems"] else Reading(subject(state["text"]))

    server = Server(Watched(read, lambda: state["stamp"]))
    thread = threading.Thread(target=server.run)
    thread.start()
    tab.open(server.url)
    tab.until("document.documentElement.dataset.live === 'yes'")
    yield tab, state
    tab.send("Page.navigate", {"url": "about:blank"})
    server.shutdown()
    thread.join(5)


def test_a_save_changes_the_page_and_keeps_what_is_looked_at(served: tuple[Page, dict[str, str]]) -> None:
    tab, state = served
    tab.click(cell(1, 2))
    state.update(text=SMALL.replace("llama3.1:8b", "qwen3:8b").replace("  stuck:", "  added: {}\n  stuck:"), stamp="1")
    tab.until("$('detail-title').innerText === 'ollama / qwen3:8b'")
    assert "added" in text_of(tab, "#body")
    state.update(problems="routing.yaml:1:1: error[LR001]: <b>broken</b>", stamp="2")
    tab.until("!$('problems').hidden")
    assert "<b>broken</b>" in text_of(tab, "#problems")
    assert "added" in text_of(tab, "#body")
    state.update(problems="", text=SMALL, stamp="3")
    tab.until("$('problems').hidden && $('detail-title').innerText === 'ollama / llama3.1:8b'")
    # An agent that is gone is looked at no more.
    state.update(text=re.sub(r"  file-picker:\n.*\n.*\n", "", SMALL), stamp="4")
    tab.until("$('detail').hidden")


def test_several_changes_and_any_text_are_tried_on_the_server(served: tuple[Page, dict[str, str]]) -> None:
    tab, _ = served

    def attempt(name: str, value: str) -> None:
        tab.js(f"$('try-name').value = {json.dumps(name)}; $('try-name').dispatchEvent(new Event('change'));"
               f"$('try-free').value = {json.dumps(value)}")  # fmt: skip
        tab.click("#try-apply")

    attempt("env LLMROUTE_PROVIDER", "ollama")
    tab.until("document.querySelectorAll('.cell.changed').length === 3")
    attempt("argument model", "openai/of-my-own")
    tab.until("$('body').innerText.includes('of-my-own')")
    assert tab.js("$('tried').children.length") == 2
    tab.click(cell(0, 1))
    assert "--set-env LLMROUTE_PROVIDER=ollama --model openai/of-my-own" in text_of(tab, "#why")
    tab.click("#tried li:last-child button")
    tab.until("!$('body').innerText.includes('of-my-own')")
    assert tab.js("S.tried.length") == 1
