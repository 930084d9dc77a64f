import { randomBytes } from 'node:crypto';
import { brandAs, type EventId, type NewOutboxEvent, type Outbox, type RegionId } from '@parley/domain';
import type { Connection } from '../prisma-client';

/** Writes events in the transaction of the change they tell of. Only for use inside a unit of work. */
export class PrismaOutbox implements Outbox {
  /** How many events were appended here: whether the relay is to be woken after the commit. */
  appended = 0;

  constructor(
    private readonly db: Connection,
    private readonly region: RegionId,
  ) {}

  async append(event: NewOutboxEvent): Promise<EventId> {
    const id = brandAs<EventId>(`evt_${this.region}_${randomBytes(16).toString('hex')}`);
    // Taking the number locks the room's row until the commit, so numbers become visible in order and without gaps.
    const { eventSeq } = await this.db.room.update({
      where: { id: event.roomSessionId },
      data: { eventSeq: { increment: 1 } },
      select: { eventSeq: true },
    });
    await this.db.outboxEvent.create({
      data: {
        id,
        domainName: event.domain,
        roomSessionId: event.roomSessionId,
        roomName: event.roomName,
        seq: eventSeq,
        type: event.type,
        payload: event.payload,
        occurredAt: event.occurredAt,
      },
    });
    this.appended += 1;
    return id;
  }
}
