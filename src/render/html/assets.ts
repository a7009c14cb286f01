// The scripts and styles that every page carries: two libraries as they come from npm, and our own
// scripts for the browser (browser/), which tsc has compiled beside this file.

import { readFileSync } from 'node:fs';
import { bundleModules } from './bundle.ts';

export interface PageAssets {
  /** Scripts in the order in which they run. */
  readonly scripts: readonly string[];
  readonly styles: string;
}

/** @throws Error where the program was not built */
export function readPageAssets(): PageAssets {
  const uplot = new URL('./', import.meta.resolve('uplot'));
  const hierarchy = new URL('../dist/', import.meta.resolve('d3-hierarchy'));
  return {
    scripts: [
      library(uplot, 'uPlot.iife.min.js'),
      library(hierarchy, 'd3-hierarchy.min.js'),
      bundleModules(new URL('./browser/main.js', import.meta.url)),
    ],
    styles: read(new URL('uPlot.min.css', uplot)),
  };
}

/** A script of a library under its licence, which every copy must carry. */
function library(folder: URL, name: string): string {
  const licence = read(new URL('../LICENSE', folder)).replaceAll('*/', '');
  return `/*! ${licence.trim()}\n*/\n${read(new URL(name, folder))}`;
}

function read(file: URL): string {
  return readFileSync(file, 'utf8');
}
