import { DomainError } from '@parley/domain';
import { Prisma } from './generated/client';

/** Prisma's codes and the adapter's kinds that mean: the database cannot be asked right now. */
const OUTAGE_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037']);
const OUTAGE_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections']);
/** What `pg` says, without a code, when a connection breaks or none is free. */
const OUTAGE_TEXTS =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/i;
/** PostgreSQL's classes: 08 connection exception, 57014 cancelled as it took too long, 57P01..57P03 shutting down or starting up. */
const OUTAGE_SQLSTATES = /^(08...|57014|57P0[123])$/;

/** What the driver adapter knows of an error; Prisma carries it as `meta.driverAdapterError.cause` or `cause`. */
interface DriverCause {
  readonly kind?: unknown;
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly constraint?: { readonly fields?: unknown; readonly index?: unknown };
}

function driverCause(error: unknown): DriverCause | undefined {
  const adapterError =
    error instanceof Prisma.PrismaClientKnownRequestError
      ? (error.meta as { driverAdapterError?: { cause?: unknown } } | undefined)?.driverAdapterError
      : error;
  const cause = adapterError instanceof Error || isRecord(adapterError) ? adapterError.cause : undefined;
  return isRecord(cause) ? cause : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Whether a unique index refused the write; `column` or the index's name narrows it down. */
export function isUniqueViolation(error: unknown, name?: string): boolean {
  const cause = driverCause(error);
  const known = error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
  if (!known && cause?.kind !== 'UniqueConstraintViolation') return false;
  if (name === undefined) return true;
  const { fields, index } = cause?.constraint ?? {};
  const named: unknown[] = Array.isArray(fields) ? [...(fields as unknown[]), index] : [index];
  return named.some((text) => String(text).replaceAll('"', '').includes(name));
}

/** Whether the database could not be asked, as opposed to having refused. */
export function isOutage(error: unknown): boolean {
  const cause = driverCause(error);
  if (OUTAGE_KINDS.has(String(cause?.kind))) return true;
  if (typeof cause?.code === 'string' && OUTAGE_SQLSTATES.test(cause.code)) return true;
  if (error instanceof Prisma.PrismaClientKnownRequestError && OUTAGE_CODES.has(error.code)) return true;
  if (error instanceof Prisma.PrismaClientInitializationError) return true;
  return error instanceof Error && OUTAGE_TEXTS.test(error.message);
}

/** What PostgreSQL says when `lock_timeout` has passed. */
const LOCK_NOT_AVAILABLE = '55P03';

/** Whether a lock was waited for as long as the transaction said, in vain. */
export function isLockTimeout(error: unknown): boolean {
  return hasSqlState(error, LOCK_NOT_AVAILABLE);
}

/** What the triggers that guard a moving domain raise. */
const MOVING = 'PM503';
/** Rather long than short: a move takes as long as its rows. */
const MOVING_RETRY_SECONDS = 5;

/** Whether it was refused because the domain is on its way to another region. */
function isMoving(error: unknown): boolean {
  return hasSqlState(error, MOVING);
}

function hasSqlState(error: unknown, state: string): boolean {
  const { code, originalCode } = driverCause(error) ?? {};
  return code === state || originalCode === state;
}

/**
 * An outage, or a write to a domain that moves, as the refusal that edges know how to answer, with the original as its
 * cause; anything else unchanged.
 */
export function readable(error: unknown): unknown {
  if (isMoving(error)) {
    return new DomainError('domain_moving', 'The domain is being moved to another region; try again.', {
      retryAfterSeconds: MOVING_RETRY_SECONDS,
    });
  }
  if (!isOutage(error)) return error;
  const unavailable = new DomainError('unavailable', 'The database cannot be reached right now.');
  unavailable.cause = error;
  return unavailable;
}

/** The same store, with outages thrown as {@link readable} says. */
export function withReadableErrors<Store extends object>(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        try {
          return await (Reflect.apply(member, target, args) as Promise<unknown>);
        } catch (error) {
          throw readable(error);
        }
      };
    },
  });
}
