#!/usr/bin/env python3
"""Opens report.html of a small study in headless Chromium and uses it: sorts, filters, points, presses keys, prints.

    check.py --pare PROGRAM --models demo/models --out DIRECTORY [--screenshots]

Expected values come from results.json of the same report. Exits with 1 after a line for each fault, and with 77 if there is
no Chromium.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys

from browser import Browser, find_chromium

HERE = pathlib.Path(__file__).parent
HOSTILE = ["</script><img src=x onerror=alert(1)>.weight", "h.0.\"' onfocus=alert(2) x='.weight",
           "h.0.</style><script>alert(3)</script>.weight", "h.1.&lt;b&gt;`|**x**[a](javascript:alert(4)).weight",
           "h.1.\u202e\u0007]]><!--.weight"]
HOSTILE_TITLE = "<script>alert(5)<!--\"'"  # a slash would make it a path
LAYOUT_SHIFT = """new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({type: 'layout-shift', buffered: true});
  setTimeout(() => done(sum), 200);
})"""


def write_hostile(directory):
    """A checkpoint of an unknown class whose tensors have the names above."""
    directory.mkdir(parents=True, exist_ok=True)
    header, at = {}, 0
    for name in HOSTILE:
        header[name] = {"dtype": "F32", "shape": [8, 8], "data_offsets": [at, at + 256]}
        at += 256
    text = json.dumps(header).encode()
    values = struct.pack("<64f", *[(i - 32) / 100 for i in range(64)])
    (directory / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + values * len(HOSTILE))


class Check:
    def __init__(self, browser, out):
        self.browser, self.out, self.faults = browser, out, []
        self.results = json.loads((out / "study" / "results.json").read_text())
        self.page = (out / "study" / "report.html").resolve()

    def expect(self, truth, text):
        if not truth:
            self.faults.append(text)

    def equal(self, got, wanted, what):
        self.expect(got == wanted, f"{what}: found {got!r}, expected {wanted!r}")

    def center(self, selector):
        """Scrolls an element into view and returns its center."""
        return self.browser.evaluate(f"""(() => {{
          const element = document.querySelector({json.dumps(selector)});
          element.scrollIntoView({{block: 'center'}});
          const box = element.getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")

    def tip(self):
        return self.browser.evaluate("document.getElementById('tip').innerText")

    def file(self):
        """What the file says without a browser."""
        text = self.page.read_text()
        self.expect(len(text.encode()) < 5_000_000, f"report.html has {len(text.encode())} bytes")
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1).replace("&#39;", "'")
        for tag in ("style", "script"):
            content = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.S)
            self.equal(len(content), 1, f"number of <{tag}>")
            digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
            self.expect(f"{tag}-src 'sha256-{digest}'" in policy, f"the policy does not name the {tag}'s hash: {policy}")
        self.expect(policy.startswith("default-src 'none'"), f"the policy is {policy}")
        outside = set(re.findall(r'(?:src|href|action|data)="([^"#][^"]*)"', text))
        self.expect(all(re.fullmatch(r"[\w./-]+", link) for link in outside), f"links: {sorted(outside)}")

    def names(self):
        self.equal(self.browser.evaluate("[...document.querySelectorAll('script, img, iframe, object')].length"), 1,
                   "elements that a name could have made")
        shown = set(self.browser.evaluate("[...document.querySelectorAll('td code, th code')].map(e => e.textContent)"))
        for name in HOSTILE[:4]:
            self.expect(name in shown, f"the tensor {name!r} is not shown as it is called")
        self.expect(HOSTILE_TITLE in self.browser.evaluate("document.title"), "the title is not shown as it is")
        self.equal(self.browser.evaluate("document.querySelectorAll('[onfocus], [onerror], a[href^=javascript]').length"), 0,
                   "attributes that a name made")

    def tables(self):
        tensors = self.results["models"][0]["tensors"]
        table = "[...document.querySelectorAll('details')].find(d => d.innerText.startsWith('Every tensor'))"
        self.browser.evaluate(f"{table}.open = true; {table}.id = 'all'")
        order = "[...document.querySelectorAll('#all tbody tr')].filter(r => !r.hidden).map(r => r.cells[0].textContent)"
        names = [tensor["name"] for tensor in tensors]
        self.equal(self.browser.evaluate(order), names, "tensors in the order of the model")
        counts = {tensor["name"]: tensor["parameters"] for tensor in tensors}
        for direction, sign in (("descending", -1), ("ascending", 1)):
            self.browser.click(*self.center("#all thead th:nth-child(2) button"))
            self.equal(self.browser.evaluate(order), sorted(names, key=lambda n: sign * counts[n]), f"sorted {direction}")
            self.equal(self.browser.evaluate("document.querySelector('#all thead th:nth-child(2)').ariaSort"), direction,
                       "aria-sort")
        self.browser.press("Enter")  # the button has the focus: the third time, the order is the first again
        self.equal(self.browser.evaluate(order), names, "order restored from the keyboard")
        self.browser.evaluate("document.querySelector('#all input').focus()")
        self.browser.type("Bias h.1")
        wanted = [name for name in names if "bias" in name and "h.1" in name]
        self.expect(wanted, "no tensor to filter")
        self.equal(self.browser.evaluate(order), wanted, "filtered rows")
        self.equal(self.browser.evaluate("document.querySelector('#all output').textContent"),
                   f"{len(wanted)} of {len(names)} rows", "count of filtered rows")

    def charts(self):
        model = self.results["models"][0]
        counts = model["histogram"]["counts"]
        first = next(i for i, count in enumerate(counts) if count)
        plot = "[...document.querySelectorAll('.plot')].find(p => p.getAttribute('aria-label').startsWith('Histogram of'))"
        self.browser.evaluate(f"{plot}.id = 'histogram'")
        self.browser.move(*self.center("#histogram rect"))
        self.expect(f"{counts[first]:,} (" in self.tip(), f"pointing at the first bar: {self.tip()!r}")
        self.browser.move(1, 1)
        self.equal(self.tip(), "", "values after the pointer left")
        # By keyboard: Tab from the element before, then the arrows.
        self.browser.evaluate("document.getElementById('histogram').focus({focusVisible: true})")
        self.expect(f"{counts[first]:,} (" in self.tip(), f"focus on a chart: {self.tip()!r}")
        self.browser.press("ArrowRight")
        second = next(i for i in range(first + 1, len(counts)) if counts[i])
        self.expect(f"{counts[second]:,} (" in self.tip(), f"arrow key in a chart: {self.tip()!r}")
        self.expect(self.browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none",
                    "the focus of a chart cannot be seen")
        self.browser.press("Escape")
        self.equal(self.tip(), "", "values after Escape")
        drawn = self.browser.evaluate("[...document.querySelectorAll('.plot')].every(p => p.querySelector('[data-p]'))")
        self.expect(drawn, "a chart has no values")

    def heat(self):
        level = self.results["models"][0]["pruning"]["levels"][-1]
        zeros = {tensor["name"]: tensor["sparsity_percent"] for tensor in level["tensors"]}
        share = {tensor["name"]: tensor["share_percent"] for tensor in self.results["models"][0]["tensors"]}
        grid = ".heat table[role=grid]"
        kinds = self.browser.evaluate(f"[...document.querySelectorAll('{grid} thead .kind')].map(e => e.textContent)"
                                      f".slice(0, document.querySelector('{grid}').tHead.rows[0].cells.length - 1)")
        column = next(i for i, kind in enumerate(kinds) if f"transformer.h.0.{kind}" in zeros or f"h.0.{kind}" in zeros)
        name = next(n for n in zeros if n.endswith(f"h.0.{kinds[column]}"))
        cell = f"{grid} tbody tr:first-child td:nth-child({column + 2})"
        text = f"document.querySelector('{cell}').textContent"
        self.equal(self.browser.evaluate(text), f"{share[name]:.1f}", f"share of {name} in the map")
        self.browser.evaluate(f"document.querySelector('{grid} td[tabindex=\"0\"]').focus()")
        for _ in range(column):
            self.browser.press("ArrowRight")
        self.expect(f"{share[name]:.2f} %" in self.tip() and kinds[column] in self.tip(), f"a cell's focus: {self.tip()!r}")
        self.browser.press("ArrowDown")
        self.expect(self.tip().startswith("layer 1, "), f"arrow key in a map: {self.tip()!r}")
        self.equal(self.browser.evaluate(f"document.querySelectorAll('{grid}')[0].querySelectorAll('td[tabindex=\"0\"]').length"),
                   1, "cells of a map that Tab reaches")
        self.browser.evaluate("document.querySelector('.heat .choice label:last-child input').click()")
        self.equal(self.browser.evaluate(text), f"{zeros[name]:.1f}", f"zeros of {name} in the map")

    def contents(self):
        self.browser.evaluate("document.querySelectorAll('.heat')[1].scrollIntoView()")
        self.browser.evaluate("new Promise(done => setTimeout(done, 100))")
        self.equal(self.browser.evaluate("[...document.querySelectorAll('nav [aria-current]')].map(e => e.textContent)"),
                   ["By layer"], "the section that is read, in the table of contents")

    def themes(self):
        color = "getComputedStyle(document.body).backgroundColor"
        light = self.browser.evaluate(color)
        self.browser.click(*self.center("#theme"))
        dark = self.browser.evaluate(color)
        self.expect(light != dark, "the button does not change the colors")
        self.equal(self.browser.evaluate("document.getElementById('theme').ariaPressed"), "true", "state of the button")
        self.audit("dark by the button")
        self.browser.scheme(dark=True)
        self.browser.click(*self.center("#theme"))
        self.equal(self.browser.evaluate(color), light, "light in a dark system")
        self.browser.evaluate("localStorage.clear()")

    def audit(self, where):
        for fault in self.browser.evaluate((HERE / "audit.js").read_text()):
            self.faults.append(f"{where}: {fault}")

    def accessibility_tree(self):
        """Chromium's own view of the page, as a screen reader gets it."""
        for node in self.browser.call("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if node.get("ignored") or role not in ("button", "searchbox", "textbox", "radio", "table", "grid", "navigation",
                                                   "region", "link"):
                continue
            self.expect(node.get("name", {}).get("value"), f"a {role} without a name")

    def printing(self):
        self.browser.scheme(media="print")
        self.equal(self.browser.evaluate("getComputedStyle(document.querySelector('nav')).display"), "none", "nav on paper")
        self.expect(len(self.browser.pdf()) > 20_000, "the printed page is empty")
        self.browser.scheme()

    def run(self, screenshots):
        self.file()
        url = self.page.as_uri()
        for width in (360, 900, 1400):
            for dark in (False, True):
                where = f"{width} pixels, {'dark' if dark else 'light'}"
                self.browser.open(url, width=width, dark=dark)
                self.equal(self.browser.evaluate(LAYOUT_SHIFT), 0, f"{where}: layout shift")
                self.browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
                self.audit(where)
                if screenshots:
                    self.browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false; })")
                    self.browser.screenshot(self.out / f"{width}-{'dark' if dark else 'light'}.png", whole=True)
                self.faults += [f"{where}: {complaint}" for complaint in self.browser.complaints()]
        self.browser.open(url)
        for step in (self.names, self.tables, self.charts, self.heat, self.contents, self.themes,
                     self.accessibility_tree, self.printing):
            try:
                step()
            except (RuntimeError, StopIteration) as error:
                self.faults.append(f"{step.__name__}: {type(error).__name__}: {error}")
        self.faults += self.browser.complaints()
        return self.faults


def make_report(arguments):
    hostile = arguments.out / "hostile"
    write_hostile(hostile)
    models, held_out = arguments.models, arguments.models.parent / "heldout"
    command = [arguments.pare, "report", str(models / "gpt2-world"), str(models / "t5-world"),
               f"{HOSTILE_TITLE}={hostile}", "-o", str(arguments.out / "study"), "--force", "--quiet", "--levels", "50,90",
               "--eval", f"perplexity={held_out / 'lm.txt'}", "--eval-limit", "4", "--bench", "--bench-runs", "1"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pare", required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--screenshots", action="store_true", help="keep pictures at three widths, light and dark")
    arguments = parser.parse_args()
    program = find_chromium()
    if program is None:
        print("skipped: no Chromium (apt install chromium, or name one in PARE_CHROMIUM)")
        return 77
    arguments.out.mkdir(parents=True, exist_ok=True)
    make_report(arguments)
    profile = arguments.out / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    profile.mkdir()
    browser = Browser(program, str(profile.resolve()))
    try:
        faults = Check(browser, arguments.out).run(arguments.screenshots)
    finally:
        browser.close()
    print("\n".join(faults) if faults else "report.html: all checks passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
