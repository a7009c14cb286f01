// The events that a recording of slabs is made of.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UsageError } from '../../base/errors.ts';

/** Not every kernel has all of them. */
const SLAB_EVENTS = [
  'kmem:kmalloc',
  'kmem:kmalloc_node',
  'kmem:kmem_cache_alloc',
  'kmem:kmem_cache_alloc_node',
  'kmem:kfree',
  'kmem:kmem_cache_free',
  'rcu:rcu_invoke_kfree_bulk_callback',
];
const PAGE_EVENTS = ['kmem:mm_page_alloc', 'kmem:mm_page_free'];

export interface EventChoice {
  /** `system:event`; empty for the slab events that the kernel has. */
  readonly events: readonly string[];
  /** Also those of pages. */
  readonly pageEvents: boolean;
}

/**
 * The events of a recording that this kernel has.
 * @throws InputError where it has no kmem events
 * @throws UsageError where a named event is not there
 */
export function chooseEvents(tracefs: string, { events, pageEvents }: EventChoice): string[] {
  checkEvents(tracefs, events);
  const found = SLAB_EVENTS.filter((event) => hasEvent(tracefs, event));
  if (!found.includes('kmem:kmalloc')) {
    throw new InputError(`${tracefs}: this kernel has no kmem events`, {
      hint: 'They need CONFIG_TRACEPOINTS and CONFIG_EVENT_TRACING.',
    });
  }
  const pages = pageEvents ? PAGE_EVENTS.filter((event) => hasEvent(tracefs, event)) : [];
  return [...new Set([...(events.length > 0 ? events : found), ...pages])];
}

function checkEvents(tracefs: string, events: readonly string[]): void {
  for (const event of events) {
    if (!/^[\w-]+:[\w-]+$/.test(event) || !hasEvent(tracefs, event)) {
      throw new UsageError(`--events ${event}: this kernel has no such event`, {
        hint: `${join(tracefs, 'available_events')} lists them, as system:event.`,
      });
    }
  }
}

function hasEvent(tracefs: string, event: string): boolean {
  return existsSync(join(tracefs, 'events', ...event.split(':'), 'enable'));
}
