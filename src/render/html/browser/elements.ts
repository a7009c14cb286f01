// Elements with text and nothing else: names from a recording become text nodes, never markup.

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  className = '',
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag);
  if (text !== '') created.textContent = text;
  if (className !== '') created.className = className;
  return created;
}

/** A choice of some texts; calls back with the number of the one chosen. */
export function choice(
  label: string,
  texts: readonly string[],
  chosen: (index: number) => void,
): HTMLLabelElement {
  const select = element('select');
  select.append(...texts.map((text, i) => new Option(text, String(i))));
  select.addEventListener('change', () => chosen(select.selectedIndex));
  const labelled = element('label', `${label} `);
  labelled.append(select);
  return labelled;
}

export function searchField(label: string, changed: (text: string) => void): HTMLInputElement {
  const input = element('input');
  input.type = 'search';
  input.placeholder = label;
  input.setAttribute('aria-label', label);
  input.addEventListener('input', () => changed(input.value.trim().toLowerCase()));
  return input;
}
