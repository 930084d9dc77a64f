import type { AlertReason } from '@parley/domain';
import type { Prisma } from '../generated/client';
import { wellAgain } from './webhook-alerts';

/** What a handshake came to. */
export type ValidationVerdict =
  | { readonly kind: 'passed' }
  /** Tried again after a while. */
  | { readonly kind: 'failed'; readonly error: string; readonly retryMs: number }
  /** The last try of its cycle. */
  | { readonly kind: 'gave-up'; readonly error: string };

/** A webhook as a handshake finds it. */
export interface WebhookBefore {
  readonly now: Date;
  /** Handshakes of this cycle that failed before. */
  readonly attempts: number;
  readonly failedValidations: number;
  readonly provenAt: Date | null;
  readonly suspendedAt: Date | null;
  readonly disabledAt: Date | null;
  readonly validated: boolean;
  /** For when somebody asked for another handshake while this one was under way; null: nobody did. */
  readonly askedAgainAt: Date | null;
}

export interface AfterHandshake {
  readonly changes: Prisma.WebhookUncheckedUpdateInput;
  readonly alert: AlertReason | null;
}

const HOUR_MS = 3_600_000;
/** Who passed proves itself again then. */
const REVALIDATE_MS = 72 * HOUR_MS;
/** Sooner after a cycle that failed, so that three in a row fail within one such period. */
const AFTER_FAILED_CYCLE_MS = 24 * HOUR_MS;
/** Cycles in a row: the first that fails warns, so many suspend. */
const SUSPEND_AFTER = 3;

/** What a handshake changes about its webhook. Nothing is deleted, whatever comes of it: deliveries wait. */
export function afterHandshake(before: WebhookBefore, verdict: ValidationVerdict): AfterHandshake {
  const { changes, alert } = consequences(before, verdict);
  const request = before.askedAgainAt === null ? { handshakeAwaited: false } : standingRequest(before);
  return { changes: { ...changes, ...request }, alert };
}

/** It may have been asked for after the receiver was repaired, which a handshake that began before says nothing of. */
function standingRequest({ askedAgainAt, validated, attempts }: WebhookBefore) {
  return {
    handshakeAwaited: true,
    nextValidationAt: askedAgainAt,
    validationCause: 'requested',
    // The cycle that it began anew.
    ...(!validated && { validationAttempts: attempts }),
  };
}

function consequences(before: WebhookBefore, verdict: ValidationVerdict): AfterHandshake {
  switch (verdict.kind) {
    case 'passed':
      return passed(before);
    case 'failed':
      return {
        changes: {
          lastValidationError: verdict.error,
          validationAttempts: before.attempts + 1,
          nextValidationAt: later(before, verdict.retryMs),
        },
        alert: null,
      };
    case 'gave-up':
      return before.provenAt === null ? neverProven(before, verdict.error) : failedCycle(before, verdict.error);
  }
}

function passed(before: WebhookBefore): AfterHandshake {
  const { now, provenAt, failedValidations, suspendedAt, disabledAt } = before;
  return {
    changes: {
      validated: true,
      provenAt: provenAt ?? now,
      lastValidationError: null,
      validationAttempts: 0,
      validationCause: 'periodic',
      nextValidationAt: later(before, REVALIDATE_MS),
      failedValidations: 0,
      suspendedAt: null,
      ...(disabledAt !== null && wellAgain(now)),
    },
    alert: failedValidations > 0 || suspendedAt !== null || disabledAt !== null ? 'recovered' : null,
  };
}

/** It stays as it was made until somebody asks for another handshake. */
function neverProven({ attempts }: WebhookBefore, error: string): AfterHandshake {
  const changes = { lastValidationError: error, validationAttempts: attempts + 1, nextValidationAt: null };
  return { changes, alert: null };
}

function failedCycle(before: WebhookBefore, error: string): AfterHandshake {
  const changes = {
    lastValidationError: error,
    validationAttempts: 0,
    validationCause: 'periodic',
    nextValidationAt: later(before, AFTER_FAILED_CYCLE_MS),
  };
  // It is told nothing anyway, and its owner knows.
  if (before.disabledAt !== null) return { changes, alert: null };
  const failedValidations = before.failedValidations + 1;
  if (failedValidations < SUSPEND_AFTER) {
    return { changes: { ...changes, failedValidations }, alert: failedValidations === 1 ? 'warning' : null };
  }
  const isNew = before.suspendedAt === null;
  return {
    changes: { ...changes, failedValidations, suspendedAt: before.suspendedAt ?? before.now },
    alert: isNew ? 'suspended' : null,
  };
}

function later({ now }: WebhookBefore, ms: number): Date {
  return new Date(now.getTime() + ms);
}
