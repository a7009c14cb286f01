// The theme: as the system has it, until the button is pressed. Charts on canvas learn of a change.

type Listener = () => void;

const listeners: Listener[] = [];

export function startTheme(): void {
  const button = document.getElementById('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const isDark = (): boolean =>
    root.dataset['theme'] === undefined ? system.matches : root.dataset['theme'] === 'dark';
  const changed = (): void => {
    if (button !== null) button.textContent = isDark() ? 'Light theme' : 'Dark theme';
    for (const listener of listeners) listener();
  };
  system.addEventListener('change', changed);
  button?.addEventListener('click', () => {
    root.dataset['theme'] = isDark() ? 'light' : 'dark';
    changed();
  });
  button?.removeAttribute('hidden');
  changed();
}

/** Calls back whenever colours changed. */
export function onThemeChange(listener: Listener): void {
  listeners.push(listener);
}

/** A colour as canvas takes it: what `var(--line)` or any other stands for now. */
export function resolveColor(color: string): string {
  const probe = document.createElement('span');
  probe.style.color = color;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
