import type { IncomingMessage } from 'node:http';
import pino, { type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Field names whose value never reaches a log, wherever up to three levels deep they stand. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'ticket',
  'resumeid',
  'resumeId',
  'hostKey',
  'webhookKey',
  'sdp',
  'raw',
  '["set-cookie"]',
  '["x-auth-key"]',
  '["x-signature"]',
  '["x-parley-internal"]',
];

const join = (prefix: string, field: string) => (field.startsWith('[') ? `${prefix}${field}` : `${prefix}.${field}`);

const REDACTED = SECRET_FIELDS.flatMap((field) => [field, join('*', field), join('*.*', field)]);

export interface LoggerOptions {
  readonly service: string;
  readonly level: string;
  /** Where lines go; standard output if absent. */
  readonly destination?: DestinationStream;
}

/** One event per line as JSON, static message and fields. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

/** A request as logs show it. Neither headers nor the query: checksums, tickets and passwords travel there. */
export function requestFields(request: IncomingMessage & { id?: unknown; originalUrl?: string }) {
  return { id: request.id, method: request.method, path: (request.originalUrl ?? request.url ?? '').split('?', 1)[0] };
}
