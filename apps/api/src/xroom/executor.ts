import type { AccountId, BookingService, RoomService, WebhookService } from '@parley/domain';
import { encodeBooking, encodeRoom, encodeRoomList, encodeWebhook, type XroomCommand } from '@parley/protocol-xroom';

/** The services behind the xroom API. */
export interface XroomServices {
  readonly rooms: RoomService;
  readonly bookings: BookingService;
  readonly webhooks: WebhookService;
}

type CommandOf<Kind extends XroomCommand['kind']> = Extract<XroomCommand, { kind: Kind }>;
/** Answers the `data` of the envelope; undefined becomes null. */
type Executors = {
  readonly [Kind in XroomCommand['kind']]: (account: AccountId, command: CommandOf<Kind>) => Promise<unknown>;
};

/** Does what a back end asked for, within its own account. */
export class XroomExecutor {
  private readonly executors: Executors;

  constructor(services: XroomServices) {
    this.executors = { ...roomExecutors(services), ...bookingExecutors(services), ...webhookExecutors(services) };
  }

  /** @throws DomainError */
  async execute<Kind extends XroomCommand['kind']>(account: AccountId, command: CommandOf<Kind>): Promise<unknown> {
    // The table is keyed by the very kind of the command.
    const executor = this.executors[command.kind] as (account: AccountId, command: CommandOf<Kind>) => Promise<unknown>;
    return executor(account, command);
  }
}

function roomExecutors({ rooms }: XroomServices) {
  return {
    'open-room': async (account, { room, wantsHostKey, type, locked, password }) =>
      encodeRoom(
        await rooms.init(account, {
          ...room,
          addHostKey: wantsHostKey,
          ...(type === undefined ? {} : { type }),
          ...(locked === undefined ? {} : { locked }),
          ...(password === undefined ? {} : { password }),
        }),
      ),
    'close-room': (account, { room, force }) => rooms.destroy(account, room.domain, room.name, force),
    kick: (account, { room, who }) => rooms.kickOut(account, room.domain, room.name, who === 'everyone' ? 'all' : who),
    'lock-room': async (account, { room, locked }) =>
      void (await rooms.setLock(account, room.domain, room.name, locked)),
    'set-password': async (account, { room, password }) =>
      void (await rooms.setPassword(account, room.domain, room.name, password)),
    'list-rooms': async (account, { domain }) => encodeRoomList(await rooms.list(account, domain)),
  } satisfies Partial<Executors>;
}

function bookingExecutors({ bookings }: XroomServices) {
  return {
    'add-booking': async (account, { room, validUntil }) =>
      void (await bookings.add(account, { domain: room.domain, roomName: room.name, validUntil })),
    'update-booking': (account, { room, validUntil }) =>
      bookings.update(account, { domain: room.domain, roomName: room.name, validUntil }),
    'remove-booking': (account, { room }) => bookings.remove(account, room.domain, room.name),
    'list-bookings': async (account, { domain }) => (await bookings.list(account, domain)).map(encodeBooking),
    'get-booking': async (account, { room }) => {
      const booking = await bookings.get(account, room.domain, room.name);
      return booking && encodeBooking(booking);
    },
  } satisfies Partial<Executors>;
}

function webhookExecutors({ webhooks }: XroomServices) {
  return {
    'add-webhook': async (account, { domain, roomName, target }) => {
      const { id, validated } = await webhooks.add(account, { domain, roomName, target });
      return { id, validated };
    },
    'remove-webhook': (account, { id }) => webhooks.remove(account, id),
    'list-webhooks': async (account, { domain, token, validated }) => {
      const filter = { ...(token === undefined ? {} : { token }), ...(validated === undefined ? {} : { validated }) };
      return (await webhooks.list(account, domain, filter)).map(encodeWebhook);
    },
    'validate-webhook': async (account, { id }) => ({ validated: await webhooks.validate(account, id) }),
  } satisfies Partial<Executors>;
}
