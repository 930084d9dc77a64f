import {
  BookingService,
  cryptoIds,
  EntryService,
  isDomainError,
  RoomService,
  type Domain,
  type DomainErrorCode,
  type DomainName,
  type RoomName,
  brandAs,
} from '@parley/domain';
import { createMemoryUnitOfWork } from '@parley/persistence';
import { FakeLiveRooms } from './fake-live-rooms';
import { account, domain, EU } from './fixtures';

export const named = (text: string): RoomName => brandAs<RoomName>(text);

/** The services on memory stores and a fake live layer, with a clock that is moved by hand. */
export function house(changes: Partial<Domain> = {}) {
  const time = { now: new Date('2026-11-21T12:00:00.000Z') };
  const clock = { now: () => time.now };
  const memory = createMemoryUnitOfWork({
    accounts: [account('a'), account('b')],
    domains: [domain('a', changes), domain('b')],
    region: EU,
  });
  const live = new FakeLiveRooms();
  const rooms = new RoomService(memory.uow, live, clock, cryptoIds);
  return {
    memory,
    live,
    clock,
    rooms,
    bookings: new BookingService(memory.uow, clock, cryptoIds),
    entry: new EntryService(memory.uow, rooms, live, clock, cryptoIds),
    owner: account('a').id,
    stranger: account('b').id,
    domain: brandAs<DomainName>('a.test'),
    /** Lets so many seconds pass. */
    pass: (seconds: number) => {
      time.now = new Date(time.now.getTime() + seconds * 1_000);
      return time.now;
    },
    in: (seconds: number) => new Date(time.now.getTime() + seconds * 1_000),
    events: () => memory.events().map((event) => `${event.type} ${event.roomName} ${event.seq}`),
    find: (name: string) => memory.stores.rooms.findOpen(brandAs<DomainName>('a.test'), named(name)),
  };
}

/** Expects a refusal by the rules; prints what happened instead. */
export async function refusal(work: Promise<unknown>): Promise<DomainErrorCode> {
  try {
    const value = await work;
    throw new Error(`expected a refusal, got ${JSON.stringify(value)}`);
  } catch (error) {
    if (isDomainError(error)) return error.code;
    throw error;
  }
}
