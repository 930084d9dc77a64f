import { DomainError } from '../kernel/domain-error';

/** Longest URL of a webhook, in characters. */
export const WEBHOOK_URL_MAX = 2048;

/**
 * Checks the URL of a webhook and answers it unchanged. Only what the text itself shows; where its name leads is decided
 * each time a connection is made.
 * @param plainHttp whether the domain may use http (the demo domain)
 * @throws DomainError webhook_url_not_allowed
 */
export function checkWebhookUrl(text: string, plainHttp: boolean): string {
  if (text.length > WEBHOOK_URL_MAX) throw refused(`A webhook URL has at most ${WEBHOOK_URL_MAX} characters.`);
  if (!URL.canParse(text)) throw refused('This is not a URL.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(plainHttp && url.protocol === 'http:')) {
    throw refused('A webhook URL starts with https://.');
  }
  if (url.username !== '' || url.password !== '') throw refused('A webhook URL holds no user name or password.');
  if (url.hostname === '') throw refused('A webhook URL names a host.');
  return text;
}

function refused(message: string): DomainError {
  return new DomainError('webhook_url_not_allowed', message);
}
