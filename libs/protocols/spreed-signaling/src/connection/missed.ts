import type { JsonValue } from '@parley/domain';
import { isChatRefresh } from '../chat-relay';
import type { DeliveredEvent } from './connection.types';

/**
 * What was missed, with one wish to fetch the chat instead of several: fetching once is enough (brief 3.3). Only messages
 * of clients are combined, as real servers do. Whatever is delivered next reaches the places of those left out.
 */
export function withoutRepeatedRefreshes(events: readonly DeliveredEvent[]): readonly DeliveredEvent[] {
  const refreshes = events.filter(isRefresh);
  if (refreshes.length < 2) return events;
  const dropped = new Set(refreshes.slice(1));
  return events.filter((delivered) => !dropped.has(delivered));
}

function isRefresh({ event }: DeliveredEvent): boolean {
  if (event.kind !== 'message' || event.channel !== 'message' || event.signal !== 'chat') return false;
  return isChatRefresh(JSON.parse(event.raw) as JsonValue);
}
