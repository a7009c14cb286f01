// One HTML file that needs nothing else: styles, scripts and data are in it, and its content security
// policy lets it load nothing and run nothing but these scripts.

import { createHash } from 'node:crypto';
import type { PageAssets } from './assets.ts';
import { html, type Markup, rawHtml, scriptJson } from './markup.ts';
import type { PageData } from './page-data.ts';
import { STYLES } from './styles.ts';

export interface PageSection {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

export interface Page {
  readonly title: string;
  /** A line under the title. */
  readonly subtitle: string;
  readonly sections: readonly PageSection[];
  readonly data: PageData;
}

export function renderPage({ title, subtitle, sections, data }: Page, assets: PageAssets): string {
  const links = sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a> `);
  const parts = sections.map(
    ({ id, title: name, body }) =>
      html`<section id="${id}">\n<h2>${name}</h2>\n${body}</section>\n`,
  );
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(assets.script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="slabreplay">
<title>${title}</title>
<style>${rawHtml(assets.styles)}${rawHtml(STYLES)}</style>
</head>
<body>
<header>
<div><h1>${title}</h1><p>${subtitle}</p></div>
<button type="button" id="theme" hidden>Theme</button>
<nav>${links}</nav>
</header>
<main>
<noscript><p class="note">Without JavaScript the charts over time and by call chain and the slab map stay empty, and tables keep their order. All else is here.</p></noscript>
${parts}</main>
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${rawHtml(assets.script)}</script>
</body>
</html>
`.text;
}

/** Nothing from anywhere; of scripts only the page's own. */
function policy(script: string): string {
  const hash = createHash('sha256').update(script).digest('base64');
  return [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${hash}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
