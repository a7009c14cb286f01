// The script and the styles of HTML pages (src/render/html/browser), bundled with the libraries that
// they import: dist/render/html/browser.js and browser.css. Every copy of a library carries its licence.

import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const LIBRARIES = ['uplot', 'd3-hierarchy'];

const banner = LIBRARIES.map((name) => {
  const licence = readFileSync(`node_modules/${name}/LICENSE`, 'utf8').replaceAll('*/', '');
  return `/*! ${name}\n${licence.trim()}\n*/`;
}).join('\n');

await build({
  entryPoints: [
    { in: 'src/render/html/browser/main.ts', out: 'browser' },
    { in: 'uplot/dist/uPlot.min.css', out: 'browser' },
  ],
  outdir: 'dist/render/html',
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  legalComments: 'none',
  banner: { js: banner, css: banner },
  logLevel: 'warning',
});
