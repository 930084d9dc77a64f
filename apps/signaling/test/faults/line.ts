import type { JsonObject } from '@parley/domain';
import type { Envelope } from '@parley/testing';
import WebSocket from 'ws';
import type { Ledger, Sent } from './ledger';

/** How long an answer may take. */
const ANSWER_MS = 15_000;

/** One connection of a member, and what is under way on it. */
export class Line {
  /** Why it is closed. */
  closed: string | undefined;
  /** What came last. */
  last: Envelope | undefined;
  private readonly answers = new Map<string, (envelope: Envelope | Error) => void>();
  /** Messages nothing is known about, by the id they were sent with, in order. */
  private readonly open = new Map<string, Sent>();
  private requests = 0;
  private fenced: (() => void)[] = [];
  private readonly onClosed: (() => void)[] = [];

  private constructor(
    private readonly socket: WebSocket,
    private readonly ledger: Ledger,
    private onFrame: (envelope: Envelope) => void,
  ) {}

  /** @param onFrame hears everything but what is said about messages */
  static open(url: string, ledger: Ledger, onFrame: (envelope: Envelope) => void): Promise<Line> {
    const socket = new WebSocket(url, { handshakeTimeout: ANSWER_MS });
    const line = new Line(socket, ledger, onFrame);
    socket.on('message', (data: Buffer) => line.receive(JSON.parse(data.toString('utf8')) as Envelope));
    socket.on('close', (code, reason) => line.end(`close ${code} ${reason.toString('utf8')}`.trim()));
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.once('open', () => resolve(line));
    });
  }

  /** How many messages nothing is known about. */
  get waiting(): number {
    return this.open.size;
  }

  /** Answers what came with the request's id, errors included. */
  request(type: string, payload: JsonObject): Promise<Envelope> {
    const id = `r${(this.requests += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new Error(`no answer to ${type}`)), ANSWER_MS);
      const settle = (answer: Envelope | Error) => {
        clearTimeout(timer);
        this.answers.delete(id);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      this.answers.set(id, settle);
      if (this.closed === undefined) this.send({ id, type, [type]: payload });
      else settle(new Error(this.closed));
    });
  }

  /** A request that must succeed; throws with the code of the refusal. */
  async ask(type: string, payload: JsonObject): Promise<'done' | 'already_joined'> {
    const answer = await this.request(type, payload);
    if (answer.type !== 'error') return 'done';
    const code = codeOf(answer);
    if (code !== 'already_joined') throw new Error(code);
    return code;
  }

  message(sent: Sent, recipient: JsonObject, data: JsonObject): void {
    const id = `m${(this.requests += 1)}`;
    this.open.set(id, sent);
    this.send({ id, type: 'message', message: { recipient, data } });
  }

  /** Asks something that must be refused: what was sent before has been handled then. */
  fence(): void {
    this.send({ id: `f${(this.requests += 1)}`, type: 'message', message: {} });
  }

  /** Resolves with the answer to a fence that begins now, or when the line is closed. */
  settled(): Promise<void> {
    if (this.closed !== undefined) return Promise.resolve();
    this.fence();
    return new Promise((resolve) => this.fenced.push(resolve));
  }

  /** At once, when it is closed already. */
  whenClosed(then: () => void): void {
    if (this.closed === undefined) this.onClosed.push(then);
    else then();
  }

  /** Nobody waits for anything on it any more; who looks sees what still comes. */
  forsake(look: (envelope: Envelope) => void): void {
    this.giveUp('forsaken');
    this.onFrame = look;
  }

  /** Says goodbye to the connection, not to the session; what is on its way still comes. */
  close(): void {
    this.socket.close();
  }

  /** Breaks it; what is on its way is lost. */
  drop(): void {
    this.socket.terminate();
  }

  private send(frame: JsonObject): void {
    this.socket.send(JSON.stringify(frame));
  }

  private receive(envelope: Envelope): void {
    this.last = envelope;
    const { id } = envelope;
    if (typeof id === 'string' && envelope.type === 'error' && this.learn(id, codeOf(envelope))) return;
    this.onFrame(envelope);
    if (typeof id === 'string') this.answers.get(id)?.(envelope);
  }

  /** What an error says about messages; false when it is about something else. */
  private learn(id: string, code: string): boolean {
    const sent = this.open.get(id);
    if (sent !== undefined) {
      this.ledger.learn(sent, 'refused', code);
      this.open.delete(id);
      return true;
    }
    if (!id.startsWith('f')) return false;
    for (const [earlier, one] of this.open) {
      if (Number(earlier.slice(1)) > Number(id.slice(1))) break;
      this.ledger.learn(one, 'accepted');
      this.open.delete(earlier);
    }
    if (this.open.size === 0) this.wake();
    return true;
  }

  private wake(): void {
    for (const wake of this.fenced.splice(0)) wake();
  }

  private end(reason: string): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    this.giveUp(reason);
    for (const then of this.onClosed.splice(0)) then();
  }

  private giveUp(reason: string): void {
    for (const sent of this.open.values()) this.ledger.learn(sent, 'unknown');
    this.open.clear();
    this.wake();
    for (const settle of [...this.answers.values()]) settle(new Error(reason));
  }
}

export function codeOf(envelope: Envelope): string {
  return String((envelope.error as { code?: unknown } | undefined)?.code);
}
