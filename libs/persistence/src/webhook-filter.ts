import type { Webhook } from '@parley/domain';

/** Whether a webhook is listed: `token` is part of its URL or room name, whatever the case; `validated` is as asked. */
export function passesFilter(webhook: Webhook, filter: { token?: string; validated?: boolean }): boolean {
  if (filter.validated !== undefined && webhook.validated !== filter.validated) return false;
  if (filter.token === undefined) return true;
  const token = filter.token.toLowerCase();
  const texts = [webhook.roomName ?? '', webhook.target.type === 'url' ? webhook.target.url : ''];
  return texts.some((text) => text.toLowerCase().includes(token));
}
