// The call sites that users look for: where the function that called the allocator allocates for its
// own caller (kvmalloc_node, kmemdup, devm_kmalloc) and the event has a stack, the first frame behind
// all such functions; and which allocations are a struct devres with its data, as the stack shows.

import { allocatesDevres, isWrapper } from '../kernel/caches/wrapper-functions.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { Site, Stack } from '../kernel/indices.ts';
import type { SiteNames } from './site-names.ts';

export class CallerChain {
  private readonly dictionary: Dictionary;
  private readonly sites: SiteNames;
  private readonly looksThrough: boolean;
  private readonly wrapperSites = new Map<number, boolean>();
  /** By site, then by stack. */
  private readonly callers = new Map<number, Map<number, number>>();

  /** @param looksThrough false where sites shall stay those of the events */
  constructor(dictionary: Dictionary, sites: SiteNames, looksThrough: boolean) {
    this.dictionary = dictionary;
    this.sites = sites;
    this.looksThrough = looksThrough;
  }

  /** True for a site in a function that allocates for its caller, where it is to be looked through. */
  isWrapper(site: Site): boolean {
    if (!this.looksThrough) return false;
    let known = this.wrapperSites.get(site);
    if (known === undefined) {
      const name = this.sites.functionOf(site);
      known = name !== undefined && isWrapper(name);
      this.wrapperSites.set(site, known);
    }
    return known;
  }

  /** The site to show for an allocation; its own where it is no wrapper's or no stack tells more. */
  callerOf(site: Site, stack: Stack): number {
    if (stack === 0 || !this.isWrapper(site)) return site;
    const ofSite = this.callers.get(site) ?? new Map<number, number>();
    this.callers.set(site, ofSite);
    let caller = ofSite.get(stack);
    if (caller === undefined) {
      const frames = this.dictionary.stacks.frames(stack);
      caller = site;
      for (let i = this.frameOf(site, frames); i >= 0 && i < frames.length; i++) {
        caller = frames[i]!;
        if (!this.isWrapper(caller)) break;
      }
      ofSite.set(stack, caller);
    }
    return caller;
  }

  /** True where the site is in a function of devres, or the stack has one between it and kmalloc. */
  isDevres(site: Site, stack: Stack): boolean {
    if (allocatesDevres(this.sites.functionOf(site) ?? '')) return true;
    const frames = this.dictionary.stacks.frames(stack);
    const inner = frames.subarray(0, Math.max(0, this.frameOf(site, frames)));
    return inner.some((frame) => allocatesDevres(this.sites.functionOf(frame) ?? ''));
  }

  /** The site's frame; by function where the stack prints no offsets; -1 where it is not there. */
  private frameOf(site: Site, frames: Uint32Array): number {
    const at = frames.indexOf(site);
    if (at >= 0) return at;
    const label = this.sites.label(site);
    const exact = frames.findIndex((frame) => this.sites.label(frame) === label);
    if (exact >= 0) return exact;
    const name = this.sites.functionOf(site);
    if (name === undefined) return -1;
    return frames.findIndex((frame) => this.sites.functionOf(frame) === name);
  }
}
