import { parseDomainName, type DomainName } from '@parley/domain';
import { normalizeBackendUrl } from '@parley/protocol-spreed-signaling';

/**
 * Which of our own domains an internal client serves: it names `<public URL>/<domain>` as its backend, or the bare
 * public URL when it only takes part in rooms and nobody has to reach it alone.
 * @returns the domain, null for the bare URL, undefined when the URL is not ours
 */
export function domainOfInternalBackend(url: string, publicUrl: string): DomainName | null | undefined {
  const given = normalizeBackendUrl(url);
  const own = normalizeBackendUrl(publicUrl);
  if (given === undefined || own === undefined || !given.startsWith(own)) return undefined;
  const rest = given.slice(own.length).replace(/\/$/, '');
  if (rest === '') return null;
  const domain = parseDomainName(rest);
  return domain.ok ? domain.value : undefined;
}
