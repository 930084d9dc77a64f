import { DomainError } from '../kernel/domain-error';

/** Longest URL of a webhook, in characters. */
export const WEBHOOK_URL_MAX = 2048;

/** Control characters and unpaired surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

const USUAL_PORTS: readonly number[] = [80, 443];

/** Where receivers may stand, as far as a URL shows it. */
export interface ReceiverRules {
  /** Ports besides 80 and 443. */
  readonly extraPorts: readonly number[];
  /**
   * Whether a host may be a receiver; a name that only a resolver knows may.
   * @param hostname as `URL.hostname` gives it
   * @param local whether this machine is allowed (the demo domain)
   */
  mayBeReceiver(hostname: string, local: boolean): boolean;
}

/** Whether receivers are called on this port. Others belong to mail, databases and the like, which no webhook is for. */
export function isReceiverPort(port: number, extra: readonly number[]): boolean {
  return USUAL_PORTS.includes(port) || extra.includes(port);
}

/**
 * Checks the URL of a webhook and answers it unchanged. Only what the text itself shows; where its name leads is decided
 * each time a connection is made.
 * @param insecure whether the domain may use http, this machine and any port (the demo domain)
 * @throws DomainError webhook_url_not_allowed
 */
export function checkWebhookUrl(text: string, insecure: boolean, rules: ReceiverRules): string {
  if (text.length > WEBHOOK_URL_MAX) throw refused(`A webhook URL has at most ${WEBHOOK_URL_MAX} characters.`);
  // Parsers read over some of these; PostgreSQL cannot keep them.
  if (UNPRINTABLE.test(text)) throw refused('A webhook URL has no control characters.');
  if (!URL.canParse(text)) throw refused('This is not a URL.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(insecure && url.protocol === 'http:')) {
    throw refused('A webhook URL starts with https://.');
  }
  if (url.username !== '' || url.password !== '') throw refused('A webhook URL holds no user name or password.');
  if (url.hostname === '') throw refused('A webhook URL names a host.');
  if (!rules.mayBeReceiver(url.hostname, insecure)) {
    throw refused('A webhook URL leads to the public internet; this is a private or local address.');
  }
  if (url.port !== '' && !insecure && !isReceiverPort(Number(url.port), rules.extraPorts)) {
    const ports = [...USUAL_PORTS, ...rules.extraPorts].join(', ');
    throw refused(`Webhooks are not called on port ${url.port}; use one of ${ports}.`);
  }
  return text;
}

function refused(message: string): DomainError {
  return new DomainError('webhook_url_not_allowed', message);
}
