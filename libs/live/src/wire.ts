import type { CoreEvent } from '@parley/domain';
import type { EndReason } from './port';
import type { RoomLogEntry } from './store';

/**
 * What travels on the channels. Lines, the JSON last and untouched: the scripts build these by concatenation, which
 * keeps cjson (it cannot tell `[]` from `{}`) away from payloads.
 */
export type SessionSignal =
  | { readonly kind: 'event'; readonly epoch: number; readonly seq: number; readonly json: string }
  | { readonly kind: 'taken'; readonly epoch: number }
  | {
      readonly kind: 'end';
      readonly epoch: number;
      /** Last number of the log. */
      readonly seq: number;
      readonly reason: EndReason;
      readonly detail: string;
      readonly json: string;
    };

export interface RoomSignal extends RoomLogEntry {
  readonly generation: string;
}

export function encodeSessionSignal(signal: SessionSignal): string {
  if (signal.kind === 'event') return `m\n${signal.epoch}\n${signal.seq}\n${signal.json}`;
  if (signal.kind === 'taken') return `t\n${signal.epoch}`;
  return `e\n${signal.epoch}\n${signal.seq}\n${signal.reason}\n${oneLine(signal.detail)}\n${signal.json}`;
}

export function decodeSessionSignal(text: string): SessionSignal {
  const kind = text[0];
  if (kind === 't') return { kind: 'taken', epoch: Number(text.slice(2)) };
  if (kind === 'm') {
    const seqAt = text.indexOf('\n', 2) + 1;
    const jsonAt = text.indexOf('\n', seqAt) + 1;
    if (seqAt === 0 || jsonAt === 0) throw new Error('live channel: malformed message');
    const [epoch, seq] = [Number(text.slice(2, seqAt - 1)), Number(text.slice(seqAt, jsonAt - 1))];
    return { kind: 'event', epoch, seq, json: text.slice(jsonAt) };
  }
  const [, epoch, seq, reason, detail, json] = lines(text, 6);
  return { kind: 'end', epoch: Number(epoch), seq: Number(seq), reason: endReason(reason), detail, json };
}

export function encodeRoomSignal(signal: RoomSignal): string {
  return `${signal.generation}\n${signal.seq}\n${signal.except}\n${signal.json}`;
}

export function decodeRoomSignal(text: string): RoomSignal {
  const [generation, seq, except, json] = lines(text, 4);
  return { generation, seq: Number(seq), except, json };
}

/** An event that was handed over before it was logged names that, so that it is not handed over twice. */
export function markKept(event: CoreEvent, token: string): CoreEvent {
  return Object.assign({}, event, { kept: token });
}

/** The token of {@link markKept}. */
export function keptToken(event: CoreEvent): string | undefined {
  return 'kept' in event && typeof event.kept === 'string' ? event.kept : undefined;
}

/** Our own JSON, written by another replica through `JSON.stringify(CoreEvent)`. */
export function decodeEvent(json: string): CoreEvent {
  return JSON.parse(json) as CoreEvent;
}

/** A detail is a word for logs and protocols; a line break in it would shift the lines after it. */
export function oneLine(detail: string): string {
  return detail.replaceAll('\n', ' ');
}

const END_REASONS: readonly EndReason[] = ['resumed_elsewhere', 'kicked', 'ended', 'log_overflow', 'expired'];

/** Reads a reason as stored; one this version does not know ends the session all the same. */
export function endReason(text: string | null | undefined): EndReason {
  return END_REASONS.find((reason) => reason === text) ?? 'ended';
}

function lines(text: string, count: 4): [string, string, string, string];
function lines(text: string, count: 6): [string, string, string, string, string, string];
function lines(text: string, count: number): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let n = 1; n < count; n++) {
    const end = text.indexOf('\n', start);
    if (end < 0) throw new Error('live channel: malformed message');
    parts.push(text.slice(start, end));
    start = end + 1;
  }
  parts.push(text.slice(start));
  return parts;
}
