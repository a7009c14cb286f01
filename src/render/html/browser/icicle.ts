// Call chains as an icicle: callers above what they call, as wide as what they allocated. A click makes
// a box the whole width. Two sides show as the difference between them.

import { type HierarchyRectangularNode, hierarchy, partition } from 'd3-hierarchy';
import { formatBytes, formatBytesChange, formatShare } from '../../../base/bytes-format.ts';
import type { ChainsData } from '../page-data.ts';
import { choice, element, searchField } from './elements.ts';

const ROW_HEIGHT = 20;
/** Narrower boxes are not drawn, and narrower ones than the second have no name. */
const MIN_WIDTH = 1;
const MIN_NAMED = 26;

/** A function or cache in one place of the tree. */
interface Frame {
  readonly name: string;
  readonly children: Map<string, Frame>;
  /** What ends here, of each side (one side: `now`). */
  base: number;
  now: number;
}

type Box = HierarchyRectangularNode<Frame>;

const ORDERS = ['callers first', 'cache first'] as const;
const WIDTHS = ['change', 'new', 'base'] as const;

export function drawIcicle(place: HTMLElement, data: ChainsData): void {
  new Icicle(place, data).draw();
}

class Icicle {
  private readonly place: HTMLElement;
  private readonly data: ChainsData;
  private readonly isCompared: boolean;
  private readonly boxes = element('div', '', 'icicle');
  private readonly info = element('p', '', 'info');
  private readonly found = element('output');
  private readonly whole = element('button', 'Zoom out');
  private measure = 0;
  private cacheFirst: boolean;
  private width: (typeof WIDTHS)[number] = 'change';
  private search = '';
  private root: Box;
  private focus: Box;

  constructor(place: HTMLElement, data: ChainsData) {
    this.place = place;
    this.data = data;
    this.isCompared = data.sides.length > 1;
    this.cacheFirst = false;
    this.root = this.build();
    this.focus = this.root;
    this.start();
  }

  private start(): void {
    const rebuild = (): void => {
      this.root = this.build();
      this.focus = this.root;
      this.draw();
    };
    this.whole.type = 'button';
    this.whole.addEventListener('click', () => this.zoom(this.focus.parent ?? this.root));
    const tools = element('div', '', 'tools');
    tools.append(
      choice('Show', this.data.measures, (i) => {
        this.measure = i;
        rebuild();
      }),
      choice('Order', ORDERS, (i) => {
        this.cacheFirst = i === 1;
        rebuild();
      }),
    );
    if (this.isCompared) {
      tools.append(
        choice('Width', WIDTHS, (i) => {
          this.width = WIDTHS[i] ?? 'change';
          rebuild();
        }),
      );
    }
    const field = searchField('Find a function or cache', (text) => {
      this.search = text;
      this.draw();
    });
    tools.append(field, this.found, this.whole);
    this.place.append(tools, this.info, this.boxes);
    addEventListener('resize', () => this.draw());
  }

  /** The tree of the chosen measure and order, laid out over a width of 1. */
  private build(): Box {
    const { chains, names, amounts, measures } = this.data;
    const top = newFrame('all');
    chains.forEach((chain, i) => {
      const own = amounts[i] ?? [];
      const first = own[this.measure] ?? 0;
      const now = this.isCompared ? (own[measures.length + this.measure] ?? 0) : first;
      if (first === 0 && now === 0) return;
      const path = this.cacheFirst ? [...chain].reverse() : chain;
      let frame = top;
      for (const index of path) {
        const name = names[index] ?? '?';
        let child = frame.children.get(name);
        if (child === undefined) {
          child = newFrame(name);
          frame.children.set(name, child);
        }
        frame = child;
      }
      frame.now += now;
      frame.base += this.isCompared ? first : 0;
    });
    const tree = hierarchy(top, ({ children }) => [...children.values()]);
    tree.sum((frame) => this.weigh(frame)).sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
    const sums = (node: typeof tree): void => {
      for (const child of node.children ?? []) {
        sums(child);
        node.data.base += child.data.base;
        node.data.now += child.data.now;
      }
    };
    sums(tree);
    return partition<Frame>()(tree);
  }

  private weigh({ base, now }: Frame): number {
    if (!this.isCompared || this.width === 'new') return now;
    return this.width === 'base' ? base : Math.abs(now - base);
  }

  private zoom(box: Box): void {
    this.focus = box;
    this.draw();
  }

  draw(): void {
    const { focus } = this;
    const width = this.boxes.clientWidth;
    const scale = width / (focus.x1 - focus.x0 || 1);
    const shown = this.root.descendants().filter((box) => {
      const isOver = box.x0 < focus.x1 && box.x1 > focus.x0;
      return isOver && (box.x1 - box.x0) * scale >= MIN_WIDTH;
    });
    const matching = this.search === '' ? undefined : this.matches();
    this.boxes.replaceChildren(
      ...shown.map((box) => {
        const left = Math.max(0, (box.x0 - focus.x0) * scale);
        const right = Math.min(width, (box.x1 - focus.x0) * scale);
        const drawn = this.drawBox(box, right - left);
        // In per cent, so that paper of another width shows the same.
        drawn.style.left = `${(100 * left) / width}%`;
        drawn.style.width = `${(100 * (right - left)) / width}%`;
        if (box.depth < focus.depth) drawn.classList.add('outside');
        if (matching !== undefined && !matching.has(box)) drawn.classList.add('faded');
        return drawn;
      }),
    );
    const depth = shown.reduce((most, box) => Math.max(most, box.depth), 0);
    this.boxes.style.height = `${(depth + 1) * ROW_HEIGHT}px`;
    this.whole.disabled = focus === this.root;
    this.tell(focus);
    this.found.textContent = matching === undefined ? '' : this.foundText(matching);
  }

  private drawBox(box: Box, width: number): HTMLElement {
    const drawn = element('div', width < MIN_NAMED ? '' : box.data.name, 'box');
    if (width < MIN_NAMED) drawn.classList.add('thin');
    drawn.style.top = `${box.depth * ROW_HEIGHT}px`;
    drawn.style.background = this.colorOf(box);
    drawn.tabIndex = 0;
    drawn.role = 'button';
    drawn.ariaLabel = this.textOf(box);
    drawn.addEventListener('click', () => this.zoom(box));
    drawn.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') this.zoom(box);
    });
    drawn.addEventListener('mouseenter', () => this.tell(box));
    drawn.addEventListener('focus', () => this.tell(box));
    return drawn;
  }

  private colorOf({ data }: Box): string {
    if (this.isCompared) {
      const change = data.now - data.base;
      const share = Math.min(1, Math.abs(change) / Math.max(data.base, data.now, 1));
      const color = change > 0 ? '#e5484d' : '#3b82f6';
      return `color-mix(in oklab, ${color} ${Math.round(8 + 62 * Math.sqrt(share))}%, var(--panel))`;
    }
    const color = data.name.startsWith('[')
      ? '#2f9e8f'
      : data.name.endsWith(']')
        ? '#9b6ad6'
        : '#e0913a';
    return `color-mix(in oklab, ${color} ${36 + (hash(data.name) % 24)}%, var(--panel))`;
  }

  private tell(box: Box): void {
    this.info.textContent = this.textOf(box);
  }

  private textOf({ data: { name, base, now } }: Box): string {
    const measure = this.data.measures[this.measure] ?? '';
    const { data: all } = this.root;
    if (!this.isCompared) {
      return `${name}: ${formatBytes(now)} ${measure}, ${formatShare(now, all.now)} of all`;
    }
    const change = formatBytesChange(now - base);
    return `${name}: ${measure} ${formatBytes(base)} in base, ${formatBytes(now)} in new, ${change}`;
  }

  /** The boxes that the search names, with their callers and all below them. */
  private matches(): Set<Box> {
    const boxes = new Set<Box>();
    for (const box of this.root.descendants()) {
      if (!box.data.name.toLowerCase().includes(this.search)) continue;
      for (const near of [...box.ancestors(), ...box.descendants()]) boxes.add(near);
    }
    return boxes;
  }

  private foundText(matching: ReadonlySet<Box>): string {
    let sum = 0;
    for (const box of matching) if (box.children === undefined) sum += box.value ?? 0;
    return `${formatBytes(sum)}, ${formatShare(sum, this.root.value ?? 0)}`;
  }
}

function newFrame(name: string): Frame {
  return { name, children: new Map(), base: 0, now: 0 };
}

function hash(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) >>> 0;
  return value;
}
