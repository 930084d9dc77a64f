import { randomBytes } from 'node:crypto';
import type { AskEvent, JsonObject, JsonValue, SessionId } from '@parley/domain';
import type { Live } from '@parley/live';
import type { Backend } from '@parley/persistence';
import { dialoutError, dialoutStarted, type BackendReply } from '@parley/protocol-spreed-signaling';
import { NO_DIALOUT, type Dialout, type DialoutRequest } from '../backend-requests/dialout';

/** Internal clients that announce this make calls. */
const START_DIALOUT = 'start-dialout';

/** How long one bridge may take to say something, in milliseconds (brief 2.9). */
const ANSWER_MS = 45_000;

const ASK_ID_BYTES = 16;

export interface BridgeDialoutParts {
  readonly asks: Live['asks'];
  readonly sessions: Pick<Live['sessions'], 'withFeature'>;
  readonly answerMs?: number;
}

/** Why a bridge did not take a call. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details?: JsonValue;
}

/** Lets the bridges of a backend make calls, wherever they are connected: one after the other, until one takes it. */
export class BridgeDialout implements Dialout {
  constructor(private readonly parts: BridgeDialoutParts) {}

  async start(request: DialoutRequest): Promise<BackendReply> {
    const bridges = await this.parts.sessions.withFeature(request.tenant, START_DIALOUT);
    let first: Failure | undefined;
    for (const bridge of bridges) {
      const outcome = await this.ask(bridge, request);
      if ('callId' in outcome) return dialoutStarted(outcome.callId);
      first ??= outcome;
    }
    return first === undefined
      ? NO_DIALOUT.start(request)
      : dialoutError(502, first.code, first.message, first.details);
  }

  private async ask(bridge: SessionId, request: DialoutRequest): Promise<{ callId: string } | Failure> {
    const { asks, answerMs = ANSWER_MS } = this.parts;
    const question: AskEvent = {
      kind: 'ask',
      askId: randomBytes(ASK_ID_BYTES).toString('hex'),
      topic: 'dialout',
      data: questionOf(request),
    };
    try {
      return verdictOf(await asks.ask(bridge, question, answerMs));
    } catch {
      return { code: 'error_notify', message: 'The client could not be asked.' };
    }
  }
}

function questionOf({ backend, roomId, number, options }: DialoutRequest): JsonObject {
  return { roomid: roomId, backend: urlOf(backend), request: { number, options } };
}

/** With a slash at the end, as backends are named everywhere. */
function urlOf({ urls }: Backend): string {
  const [url = ''] = urls;
  return url.endsWith('/') ? url : `${url}/`;
}

function verdictOf(answer: JsonValue | undefined): { callId: string } | Failure {
  if (answer === undefined) return { code: 'timeout', message: 'The client did not answer in time.' };
  const { type, callId, status, error } = isObject(answer) ? answer : {};
  if (type === 'error') return failureOf(error);
  if (type !== 'status') return { code: 'unsupported_type', message: 'The answer of the client was not understood.' };
  if (status === 'accepted' && typeof callId === 'string') return { callId };
  return { code: 'unsupported_status', message: `The client answered with the status ${textOf(status, 'unknown')}.` };
}

/** The client's own words. */
function failureOf(error: JsonValue | undefined): Failure {
  const { code, message, details } = isObject(error) ? error : {};
  return {
    code: textOf(code, 'unsupported_type'),
    message: textOf(message, ''),
    ...(details === undefined ? {} : { details }),
  };
}

function textOf(value: JsonValue | undefined, otherwise: string): string {
  return typeof value === 'string' ? value.slice(0, 1_024) : otherwise;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
