// HTML as text in which everything is escaped but what is markup itself: `html` with strings, numbers
// and other markup between its parts.

import { escapeText } from '../escape.ts';

/** Text that is HTML already. Made by `html` and `rawHtml` only. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may be in a template; null and false are nothing. */
export type HtmlPart = string | number | Markup | null | false | readonly HtmlPart[];

/** A template whose values are escaped, for text and for attributes in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Markup {
  let text = strings[0] ?? '';
  parts.forEach((part, i) => {
    text += partText(part) + (strings[i + 1] ?? '');
  });
  return new Markup(text);
}

/** Our own markup, with nothing in it that comes from a recording. */
export function rawHtml(text: string): Markup {
  return new Markup(text);
}

/** A value as JSON inside of a script element: no `<` can end it. */
export function scriptJson(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}

function partText(part: HtmlPart): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  if (part === null || part === false) return '';
  return part.map(partText).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return escapeText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
