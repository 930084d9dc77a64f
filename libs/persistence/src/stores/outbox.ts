import { randomBytes } from 'node:crypto';
import {
  brandAs,
  type EventId,
  type NewOutboxEvent,
  type Outbox,
  type RegionId,
  type RoomSessionId,
} from '@parley/domain';
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
    const row = this.toRow(event, await this.nextSeq(event));
    await this.db.outboxEvent.create({ data: row });
    this.appended += 1;
    return row.id;
  }

  async appendAll(room: RoomSessionId, events: readonly NewOutboxEvent[]): Promise<void> {
    if (events.length === 0) return;
    const last = await this.lastSeqOf(room, events.length);
    const first = last - events.length + 1;
    await this.db.outboxEvent.createMany({ data: events.map((event, index) => this.toRow(event, first + index)) });
    this.appended += events.length;
  }

  private toRow(event: NewOutboxEvent, seq: number) {
    return {
      id: brandAs<EventId>(`evt_${this.region}_${randomBytes(16).toString('hex')}`),
      domainName: event.domain,
      roomSessionId: event.roomSessionId,
      roomName: event.roomName,
      seq,
      type: event.type,
      payload: event.payload,
      onlyWebhookId: event.onlyWebhookId === undefined ? null : BigInt(event.onlyWebhookId),
      occurredAt: event.occurredAt,
    };
  }

  /** Taking a number locks its counter until the commit, so numbers become visible in order and without gaps. */
  private async nextSeq({ roomSessionId, domain, roomName }: NewOutboxEvent): Promise<number> {
    if (roomSessionId !== null) return this.lastSeqOf(roomSessionId, 1);
    // No room has an empty name: that is the sequence of events of the whole domain.
    const [row] = await this.db.$queryRaw<{ value: number }[]>`
      INSERT INTO "RoomSequence" ("domainName", "roomName", value) VALUES (${domain}, ${roomName ?? ''}, 1)
      ON CONFLICT ("domainName", "roomName") DO UPDATE SET value = "RoomSequence".value + 1
      RETURNING value`;
    if (row === undefined) throw new Error('the sequence of a room gave no number');
    return row.value;
  }

  /** The last of so many numbers taken. */
  private async lastSeqOf(room: RoomSessionId, count: number): Promise<number> {
    const { eventSeq } = await this.db.room.update({
      where: { id: room },
      data: { eventSeq: { increment: count } },
      select: { eventSeq: true },
    });
    return eventSeq;
  }
}
