import { type DomainName, parseDomainName } from '@parley/domain';
import { HttpRefusal } from '../http/problems';

/** The domain that a path names. @throws HttpRefusal not_found for what cannot be one */
export function knownDomain(text: string): DomainName {
  const name = parseDomainName(text);
  if (!name.ok) throw new HttpRefusal('not_found', `There is no domain of this name.`);
  return name.value;
}
