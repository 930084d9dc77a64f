import { afterHandshake, type WebhookBefore } from './validation-outcome';

const now = new Date('2026-11-21T12:00:00.000Z');
const inHours = (hours: number): Date => new Date(now.getTime() + hours * 3_600_000);
const well: WebhookBefore = {
  now,
  attempts: 0,
  failedValidations: 0,
  provenAt: inHours(-100),
  suspendedAt: null,
  disabledAt: null,
  validated: true,
  askedAgainAt: null,
};
const gaveUp = { kind: 'gave-up', error: 'why' } as const;

describe('a handshake', () => {
  test('that passes is asked for again in 72 h, and says nothing of a webhook that was well', () => {
    const { changes, alert } = afterHandshake({ ...well, provenAt: null }, { kind: 'passed' });
    expect(changes).toMatchObject({ validated: true, provenAt: now, nextValidationAt: inHours(72) });
    expect(alert).toBeNull();
    expect(afterHandshake(well, { kind: 'passed' }).changes).toMatchObject({ provenAt: well.provenAt });
  });

  test('that fails is tried again; only a cycle counts', () => {
    const retry = { kind: 'failed', error: 'why', retryMs: 10_000 } as const;
    const { changes, alert } = afterHandshake({ ...well, attempts: 1 }, retry);
    expect(changes).toEqual({
      lastValidationError: 'why',
      validationAttempts: 2,
      handshakeAwaited: false,
      nextValidationAt: new Date(now.getTime() + 10_000),
    });
    expect(alert).toBeNull();
  });

  test('the first that never passes leaves the webhook as it was made', () => {
    const { changes, alert } = afterHandshake({ ...well, provenAt: null, attempts: 3 }, gaveUp);
    expect(changes).toEqual({
      lastValidationError: 'why',
      validationAttempts: 4,
      nextValidationAt: null,
      handshakeAwaited: false,
    });
    expect(alert).toBeNull();
  });

  test.each([
    [0, null, 'warning', null],
    [1, null, null, null],
    [2, null, 'suspended', now],
    [3, inHours(-24), null, inHours(-24)],
  ])('after %i failed cycles, one more', (failedValidations, suspendedAt, alert, suspendedThen) => {
    const after = afterHandshake({ ...well, failedValidations, suspendedAt, attempts: 3 }, gaveUp);
    expect(after.alert).toBe(alert);
    expect({ suspendedAt, ...after.changes }).toEqual({
      failedValidations: failedValidations + 1,
      suspendedAt: suspendedThen,
      lastValidationError: 'why',
      validationAttempts: 0,
      validationCause: 'periodic',
      nextValidationAt: inHours(24),
      handshakeAwaited: false,
    });
  });

  test.each([
    ['warned', { failedValidations: 1 }],
    ['suspended', { failedValidations: 3, suspendedAt: inHours(-1) }],
    ['disabled', { disabledAt: inHours(-1) }],
  ])('that passes makes a %s webhook well', (_what, before) => {
    const { changes, alert } = afterHandshake({ ...well, ...before }, { kind: 'passed' });
    expect(alert).toBe('recovered');
    expect(changes).toMatchObject({ validated: true, failedValidations: 0, suspendedAt: null });
    if ('disabledAt' in before) {
      expect(changes).toMatchObject({ disabledAt: null, disabledReason: null, breaker: 'closed', breakerTrips: 0 });
    } else expect(changes).not.toHaveProperty('breaker');
  });

  test.each([
    [{ kind: 'failed', error: 'why', retryMs: 10_000 } as const, 3],
    [gaveUp, 0],
    [{ kind: 'passed' } as const, 0],
  ])('that ends as %j leaves one to be done that was asked for meanwhile', (verdict, validationAttempts) => {
    const askedAgainAt = inHours(-1);
    const stands = { handshakeAwaited: true, nextValidationAt: askedAgainAt, validationCause: 'requested' };
    const { changes, alert } = afterHandshake({ ...well, attempts: 2, askedAgainAt }, verdict);
    expect(changes).toMatchObject({ ...stands, validationAttempts });
    expect(alert).toBe(verdict.kind === 'gave-up' ? 'warning' : null);
    const unproven = { ...well, validated: false, provenAt: null, askedAgainAt };
    expect(afterHandshake(unproven, verdict).changes).toMatchObject({ ...stands, validationAttempts: 0 });
  });

  test('that fails does not count against a webhook that is disabled anyway', () => {
    const { changes, alert } = afterHandshake({ ...well, disabledAt: inHours(-1), failedValidations: 2 }, gaveUp);
    expect(changes).not.toHaveProperty('failedValidations');
    expect(alert).toBeNull();
  });
});
