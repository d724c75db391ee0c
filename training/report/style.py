"""How a report's page looks and its few lines of script: nothing is fetched from anywhere."""

CSS = """
:root { --ink: #1c2026; --soft: #5f6773; --line: #e3dfd8; --paper: #fcfbf9; --mark: #a8402b;
  --more: 168, 64, 43; --less: 47, 93, 138; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 6rem; max-width: 80rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1, h2, h3 { font-family: Charter, "Iowan Old Style", Georgia, serif; font-weight: 600;
  line-height: 1.2; }
h1 { font-size: 2.1rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.5rem; margin: 4rem 0 .4rem; padding-top: 1.2rem;
  border-top: 2px solid var(--ink); }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { max-width: 44rem; margin: .4rem 0 1rem; }
.soft, caption, .note { color: var(--soft); }
nav { margin: 1.2rem 0 0; display: flex; gap: 1.2rem; flex-wrap: wrap; }
a { color: var(--mark); text-decoration-thickness: 1px; text-underline-offset: 3px; }
dl.brief { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr));
  gap: 1.4rem 2rem; margin: 2rem 0 0; }
dl.brief dt { color: var(--soft); font-size: .85rem; line-height: 1.35; }
dl.brief dd { margin: 0; font: 600 1.75rem/1.2 Charter, Georgia, serif;
  font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; margin: 1rem 0 1.6rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; }
th { font-weight: 500; color: var(--soft); text-align: right; vertical-align: bottom;
  padding: .25rem .6rem .35rem; line-height: 1.25; }
th small { display: block; font-weight: 400; font-size: .78rem; }
td { text-align: right; padding: .3rem .6rem; border-top: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.words { text-align: left; white-space: normal; min-width: 9rem; color: var(--soft); }
td small { color: var(--soft); margin-left: .35em; }
tr.own td { font-weight: 600; }
tr.own td small { font-weight: 400; }
td.best { box-shadow: inset 0 -2px var(--mark); }
.sounds { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr));
  gap: 1.1rem 1.4rem; }
figure { margin: 0; }
figcaption { font-size: .85rem; margin-bottom: .25rem; }
figure img, .strip img { display: block; width: 100%; height: auto; border-radius: 3px; }
audio { display: block; width: 100%; height: 2.1rem; margin-top: .35rem; }
.strip { margin: .6rem 0 1rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--mark); }
@media print { audio, nav { display: none; } }
"""

SCRIPT = """
document.addEventListener("play", event => {
  for (const other of document.querySelectorAll("audio"))
    if (other !== event.target) other.pause();
}, true);
"""
