"""Open a report in a headless browser, as a reader would: screenshots, console, requests, and axe on accessibility.

    npm install --prefix TOOLS --ignore-scripts axe-core puppeteer-core      # once, outside this repository
    python benchmarks/report_page.py --tools TOOLS --into SHOTS              # the sample `tickets`, in three languages
    python benchmarks/report_page.py --tools TOOLS --into SHOTS PAGE.html    # a page that is there already

Needs node and Debian's chromium. Each page is looked at in light and dark at 1200 pixels, at 390 pixels (phone) and on
paper. It fails if a page says a word on the console, asks for anything, is wider than its window, or if axe finds a
violation that is serious or critical. axe is injected with the page's policy (CSP) switched off, after all else was
recorded. The screenshots are there to be looked at by a person.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "samples"
LANGUAGES = ("en", "es", "pt-BR")
LOOK = """
const puppeteer = require('puppeteer-core'), fs = require('fs'), path = require('path');
const [browserPath, into, ...pages] = process.argv.slice(2);
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const views = [['light', 'light', 1200], ['dark', 'dark', 1200], ['phone', 'light', 390], ['phone-dark', 'dark', 390]];
(async () => {
  const browser = await puppeteer.launch({executablePath: browserPath, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars']});
  const told = [{browser: await browser.version(), axe: require('axe-core/package.json').version}];
  for (const file of pages) for (const [name, scheme, width] of views) {
    const url = 'file://' + path.resolve(file), page = await browser.newPage(), said = [], asked = [];
    page.on('console', m => said.push(m.text())); page.on('pageerror', e => said.push(String(e)));
    page.on('request', r => { if (r.url() !== url) asked.push(r.url()); });
    await page.setViewport({width, height: 900, deviceScaleFactor: 1});
    await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
    await page.goto(url);
    await page.screenshot({path: path.join(into, `${path.parse(file).name}-${name}.png`), fullPage: true});
    if (name === 'light') await page.pdf({path: path.join(into, `${path.parse(file).name}.pdf`), format: 'A4'});
    await page.evaluate(() => document.querySelectorAll('details').forEach(one => { one.open = true; }));
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    const seen = {page: path.basename(file), view: name, said: [...said], asked: [...asked], wider: Math.max(0, wider)};
    const session = await page.createCDPSession();
    await session.send('Page.setBypassCSP', {enabled: true}); await page.reload();
    await page.evaluate(() => document.querySelectorAll('details').forEach(one => { one.open = true; }));
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, {resultTypes: ['violations']}));
    seen.violations = found.violations.map(v => [v.id, v.impact, v.nodes.length, v.nodes[0].html.slice(0, 120)]);
    seen.passed = found.passes.length;
    told.push(seen); await page.close();
  }
  await browser.close(); console.log(JSON.stringify(told));
})().catch(error => { console.error(error); process.exit(1); });
"""


def sample_pages(folder: Path) -> list[Path]:
    import ftdata
    from ftdata import runs
    from ftdata.report import as_html, report

    place = folder / "samples"
    shutil.copytree(SAMPLES, place, ignore=shutil.ignore_patterns("out"))
    ftdata.run(place / "tickets.toml")
    found = report(runs.find(str(place / "tickets.toml")), show_values=True)
    pages = [folder / f"tickets.{lang}.html" for lang in LANGUAGES]
    for page, lang in zip(pages, LANGUAGES, strict=True):
        page.write_text(as_html(found, lang))
    return pages


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tools", type=Path, required=True, help="folder into which npm installed the tools")
    parser.add_argument("--into", type=Path, required=True, help="folder for the screenshots")
    parser.add_argument("--browser", default=shutil.which("chromium"))
    parser.add_argument("pages", nargs="*", type=Path)
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    if not given.browser:
        sys.exit("no chromium on the path; name one with --browser")
    with tempfile.TemporaryDirectory() as place:
        pages = given.pages or sample_pages(Path(place))
        script = given.tools / "look.js"
        script.write_text(LOOK)
        line = ["node", str(script), given.browser, str(given.into), *map(str, pages)]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
    versions, *seen = json.loads(done.stdout)
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    bad = 0
    for one in seen:
        serious = [v for v in one["violations"] if v[1] in ("serious", "critical")]
        faults = len(one["said"]) + len(one["asked"]) + bool(one["wider"]) + len(serious)
        bad += faults
        print(
            f"{one['page']:24} {one['view']:10} console {len(one['said'])}, requests {len(one['asked'])}, "
            f"wider {one['wider']}, axe {len(one['violations'])} violations ({len(serious)} serious), "
            f"{one['passed']} passed"
        )
        for what in (*one["said"], *one["asked"], *map(str, one["violations"])):
            print(f"    {what}")
    print(f"{len(seen)} views, {bad} faults; screenshots in {given.into}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
