import type { JsonObject } from '@parley/domain';
import type { ScriptedSignalingClient } from '@parley/testing';
import { textOf } from './browser-value';
import type { Attendee } from './conversation';

/** The SIP bridge: an internal client that telephones, and speaks for who is on the line. */
export class TalkBridge {
  constructor(
    private readonly client: ScriptedSignalingClient,
    private readonly token: string,
  ) {}

  async join(): Promise<void> {
    await this.client.join(this.token);
  }

  /** Waits to be asked to telephone somebody, and does. Answers what it was asked. */
  async dials(callid: string): Promise<unknown> {
    const question = await this.client.expect('internal');
    this.send('dialout', this.status(callid, 'accepted'), textOf(question, 'id'));
    return (question.internal as { dialout: { request: unknown } }).dialout.request;
  }

  reports(callid: string, status: string): void {
    this.send('dialout', this.status(callid, status));
  }

  bringsIn(line: string, { actorId, actorType }: Attendee): void {
    const options = { actorId, actorType };
    this.send('addsession', { sessionid: line, roomid: this.token, flags: 1, incall: 9, options });
  }

  hangsUp(line: string): void {
    this.send('removesession', { sessionid: line, roomid: this.token });
  }

  async leaves(): Promise<void> {
    await this.client.bye();
  }

  private status(callid: string, status: string): JsonObject {
    return { type: 'status', roomid: this.token, status: { callid, status } };
  }

  private send(type: string, body: JsonObject, id?: string): void {
    this.client.send({ ...(id === undefined ? {} : { id }), type: 'internal', internal: { type, [type]: body } });
  }
}
