"""The stylesheet of the panels. It takes its colours from JupyterLab where it can, so that it fits light and dark."""

from __future__ import annotations

__all__ = ["STYLESHEET"]

STYLESHEET = """<style>
.doaudit { max-width: 62rem; padding: 4px 2px 8px; --da-ink: var(--jp-ui-font-color1, #1f2328);
  --da-pale: var(--jp-ui-font-color2, #57606a); --da-line: var(--jp-border-color2, #d0d7de);
  --da-paper: var(--jp-layout-color1, #fff); --da-shade: var(--jp-layout-color2, #f3f5f7);
  --da-accent: var(--jp-brand-color1, #1976d2); --da-good: var(--jp-success-color1, #2e7d32);
  --da-bad: var(--jp-error-color1, #c62828); --da-warn: var(--jp-warn-color1, #ef6c00); }
.doaudit .widget-html-content { line-height: 1.45; color: var(--da-ink); font-size: 13px; }
.doaudit h3 { margin: 6px 0 2px; font-size: 15px; font-weight: 600; color: var(--da-ink); }
.doaudit h3 small, .doaudit .da-pale { color: var(--da-pale); font-weight: 400; font-size: 12px; }
.doaudit p { margin: 2px 0; }
.doaudit code, .doaudit pre, .doaudit select { font-family: var(--jp-code-font-family, monospace); font-size: 12px; }
.doaudit code { color: inherit; background: var(--da-shade); padding: 0 3px; border-radius: 3px; }
.doaudit a { color: var(--jp-content-link-color, #1565c0); text-decoration: underline; }
.doaudit :focus-visible { outline: 2px solid var(--da-accent); outline-offset: 1px; }
.doaudit .jupyter-button.mod-danger[disabled] { opacity: .45; }
.doaudit select { line-height: 1.5; }
.doaudit .doaudit-list-heading { margin: 2px 2px 0 calc(8rem + 10px); }
.doaudit .doaudit-list-heading pre { margin: 0; padding: 0 4px; background: none; }
.doaudit .da-box { border: 1px solid var(--da-line); border-left-width: 4px; border-radius: 4px; padding: 6px 12px;
  background: var(--da-paper); margin: 4px 0; overflow-wrap: anywhere; }
.doaudit .da-box.da-good { border-left-color: var(--da-good); }
.doaudit .da-box.da-bad { border-left-color: var(--da-bad); }
.doaudit .da-box.da-warn { border-left-color: var(--da-warn); }
.doaudit .da-box.da-info { border-left-color: var(--da-accent); }
.doaudit ol.da-steps { list-style: none; margin: 6px 0; padding: 0; }
.doaudit ol.da-steps li { display: grid; grid-template-columns: 1.6em 1fr auto; gap: 0 6px; padding: 3px 4px;
  border-bottom: 1px solid var(--da-line); margin: 0; }
.doaudit ol.da-steps li:last-child { border-bottom: 0; }
.doaudit ol.da-steps .da-mark { text-align: center; font-weight: 700; color: var(--da-pale); }
.doaudit ol.da-steps .da-time { color: var(--da-pale); font-size: 12px; text-align: right;
  font-variant-numeric: tabular-nums; }
.doaudit li.da-done .da-mark { color: var(--da-good); }
.doaudit li.da-running { background: var(--da-shade); font-weight: 600; }
.doaudit li.da-running .da-time { font-weight: 400; }
.doaudit li.da-running .da-mark { color: var(--da-accent); }
.doaudit li.da-failed .da-mark { color: var(--da-bad); }
.doaudit li.da-skipped { color: var(--da-pale); }
.doaudit .da-bar { height: 10px; border-radius: 5px; background: var(--da-shade); border: 1px solid var(--da-line);
  overflow: hidden; margin: 6px 0 2px; max-width: 40rem; }
.doaudit .da-bar div { height: 100%; background: var(--da-accent); transition: width .5s linear; }
.doaudit .da-bar.da-good div { background: var(--da-good); }
.doaudit .da-bar.da-slow div { background: var(--da-warn); }
.doaudit .da-bar.da-bad div { background: var(--da-bad); }
.doaudit .da-log { display: flex; flex-direction: column-reverse; max-height: 190px; overflow-y: auto;
  border: 1px solid var(--da-line); border-radius: 4px; background: var(--da-shade); }
.doaudit .da-log pre { flex: none; overflow: visible; margin: 0; padding: 6px 10px; white-space: pre-wrap;
  overflow-wrap: anywhere; line-height: 1.45; background: none; border: 0; color: var(--da-ink); }
.doaudit table.da-table { border-collapse: collapse; width: 100%; font-size: 12px; margin: 4px 0; table-layout: auto; }
.doaudit table.da-table th, .doaudit table.da-table td { text-align: left; padding: 3px 8px; color: var(--da-ink);
  border-bottom: 1px solid var(--da-line); font-variant-numeric: tabular-nums; vertical-align: top; }
.doaudit table.da-table th { color: var(--da-pale); font-weight: 600; }
.doaudit table.da-table .da-number { text-align: right; }
.doaudit table.da-table .da-number, .doaudit table.da-table .da-time { white-space: nowrap; }
.doaudit tr.da-ended { opacity: .55; }
.doaudit .da-verdict { font-weight: 600; white-space: nowrap; }
.doaudit .da-verdict.da-normal { color: var(--da-good); }
.doaudit .da-verdict.da-slow { color: var(--da-warn); }
.doaudit .da-verdict.da-stuck, .doaudit .da-verdict.da-errored { color: var(--da-bad); }
.doaudit .doaudit-stylesheet { margin: 0; min-height: 0; }
.doaudit .da-disconnected { display: none; }
.jupyter-widgets-disconnected .da-disconnected { display: block; }
@media (prefers-reduced-motion: reduce) { .doaudit .da-bar div { transition: none; } }
</style>"""
