import { brandAs, type DomainName, type RoomName } from '../kernel/ids';
import { fail, ok, type Result } from '../kernel/result';

/** Limits of names and passwords, in characters (code points). */
export const NAME_LIMITS = { domain: 253, roomName: 128, password: 128 } as const;

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Control characters, line separators, unpaired surrogates: unprintable or not storable. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * A domain's name: a host name (letters, digits, dots, hyphens; a single label such as `localhost` is one), lower-cased.
 * The failure is a sentence for the caller.
 */
export function parseDomainName(text: string): Result<DomainName, string> {
  const name = text.toLowerCase();
  if (name.length === 0) return fail('The domain is empty.');
  if (name.length > NAME_LIMITS.domain) return fail(`A domain has at most ${NAME_LIMITS.domain} characters.`);
  if (!name.split('.').every((label) => LABEL.test(label))) {
    return fail('A domain is a host name: letters, digits, hyphens and dots.');
  }
  return ok(brandAs<DomainName>(name));
}

/** A room's name as it was given: 1 to 128 printable characters of any script, no slash, no space at either end. */
export function parseRoomName(text: string): Result<RoomName, string> {
  const length = [...text].length;
  if (length === 0) return fail('The room name is empty.');
  if (length > NAME_LIMITS.roomName) return fail(`A room name has at most ${NAME_LIMITS.roomName} characters.`);
  if (UNPRINTABLE.test(text)) return fail('A room name has no control characters.');
  if (text.includes('/')) return fail('A room name has no slash.');
  if (text.trim() !== text) return fail('A room name has no space at its ends.');
  return ok(brandAs<RoomName>(text));
}

/** Takes `domain/name` apart, the way the outside names a room. */
export function parseRoomPath(path: string): Result<{ domain: DomainName; name: RoomName }, string> {
  const slash = path.indexOf('/');
  if (slash < 0) return fail('A room is named domain/name.');
  const domain = parseDomainName(path.slice(0, slash));
  if (!domain.ok) return domain;
  const name = parseRoomName(path.slice(slash + 1));
  return name.ok ? ok({ domain: domain.value, name: name.value }) : name;
}

/** A room's password: 1 to 128 characters, nothing that PostgreSQL could not store. */
export function parsePassword(text: string): Result<string, string> {
  const length = [...text].length;
  if (length === 0 || length > NAME_LIMITS.password) {
    return fail(`A password has 1 to ${NAME_LIMITS.password} characters.`);
  }
  return UNPRINTABLE.test(text) ? fail('A password has no control characters.') : ok(text);
}
