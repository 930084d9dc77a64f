import { randomBytes } from 'node:crypto';
import {
  brandAs,
  type Account,
  type AccountId,
  type Domain,
  type DomainName,
  type RegionId,
  type Room,
  type RoomName,
  type RoomSessionId,
} from '@parley/domain';

export const EU = { id: brandAs<RegionId>('eu-1'), number: 1 };
/** Two keys of 32 zero and one bytes: for tests only. */
export const MASTER_KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;

export function account(letter: string): Account {
  return {
    id: brandAs<AccountId>(`acc_${letter}`),
    slug: letter,
    authId: `auth-${letter}`,
    secret: `secret-${letter}`,
    legacyKeys: false,
  };
}

export function domain(letter: string, changes: Partial<Domain> = {}): Domain {
  return {
    name: brandAs<DomainName>(`${letter}.test`),
    accountId: account(letter).id,
    region: EU.id,
    webhookKey: `hook-${letter}`,
    capacity: 100,
    visitorsMayOpen: true,
    strictResidency: false,
    insecureWebhooks: false,
    visitorRooms: { unenteredSeconds: 300, emptySeconds: 20 },
    apiRooms: { unenteredSeconds: 86_400, emptySeconds: 3_600 },
    ...changes,
  };
}

/** A room that was just opened; `policy` follows from password and host key. */
export function room(changes: Partial<Omit<Room, 'policy'>> = {}): Room {
  return {
    id: brandAs<RoomSessionId>(`rs_eu-1_${randomBytes(8).toString('hex')}`),
    domain: brandAs<DomainName>('a.test'),
    name: brandAs<RoomName>('room'),
    openedBy: 'api',
    password: null,
    hostKey: null,
    openedAt: new Date('2026-11-21T12:00:00.123Z'),
    closeAfter: null,
    ...changes,
    policy: {
      version: 1,
      type: 'conference',
      locked: false,
      capacity: 100,
      passwordVersion: (changes.password ?? null) === null ? 0 : 1,
      hasHostKey: (changes.hostKey ?? null) !== null,
    },
  };
}
