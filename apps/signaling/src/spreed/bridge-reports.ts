import type { JsonObject } from '@parley/domain';
import type { Live, SessionRecord } from '@parley/live';
import type { DialoutReport } from '@parley/protocol-spreed-signaling';
import type { InternalRooms } from './internal-rooms';

/** For so long everybody is shown that a call is over, in milliseconds (brief 3.1). */
const ENDED_CALL_MS = 5_000;
const ENDED = new Set(['cleared', 'rejected']);

/** Hands on what bridges tell of the calls they make (brief 2.7, `dialout`). */
export class BridgeReports {
  constructor(
    private readonly live: Pick<Live, 'sessions' | 'rooms' | 'asks'>,
    private readonly rooms: InternalRooms,
    private readonly endedCallMs = ENDED_CALL_MS,
  ) {}

  /**
   * @param askId of the question it answers, if it does
   * @param roomId the room as the bridge names it
   */
  async report(from: SessionRecord, askId: string | undefined, roomId: string, report: DialoutReport): Promise<void> {
    const answered = askId !== undefined && (await this.live.asks.answer(askId, answerOf(report)));
    // Who asked tells of an error; everybody else needs not hear of it.
    if (report.kind === 'other' || (report.kind === 'error' && answered)) return;
    const named = await this.rooms.find(from, roomId);
    if (named === undefined) return;
    const { id } = named.room;
    if (report.kind === 'error') {
      const data: JsonObject = { type: 'error', error: report.error };
      return this.live.sessions.toRoom(id, { kind: 'notice', topic: 'dialout', data });
    }
    const ttlMs = ENDED.has(report.status) ? this.endedCallMs : undefined;
    await this.live.rooms.setTransient(id, `callstatus_${report.callId}`, report.raw, ttlMs);
  }
}

function answerOf(report: DialoutReport): JsonObject {
  switch (report.kind) {
    case 'status':
      return { type: 'status', callId: report.callId, status: report.status };
    case 'error':
      return { type: 'error', error: report.error };
    case 'other':
      return { type: report.type };
  }
}
