import type { Attendee } from './conversation';

// Who takes part in the day.
export const ADA: Attendee = { actorType: 'users', actorId: 'ada', displayName: 'Ada', isModerator: true };
export const BOB: Attendee = { actorType: 'users', actorId: 'bob', displayName: 'Bob' };
export const CLEO: Attendee = { actorType: 'users', actorId: 'cleo', displayName: 'Cleo' };
export const DORA: Attendee = { actorType: 'users', actorId: 'dora', displayName: 'Dora' };
export const GUEST: Attendee = { actorType: 'guests', actorId: 'a1b2', displayName: 'Guest' };
export const PHONE: Attendee = { actorType: 'phones', actorId: 'phone-1', displayName: '+49 30' };
/** Of another Nextcloud. */
export const ZOE: Attendee = { actorType: 'users', actorId: 'zoe', displayName: 'Zoe' };
