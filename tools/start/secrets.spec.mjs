import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSecrets, makeSecrets } from './secrets.mjs';

describe('the secrets of a start', () => {
  let folder;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-secrets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are made once, kept, and readable by their owner alone', () => {
    const file = join(folder, 'secrets.json');
    const first = loadSecrets(file);
    expect(loadSecrets(file)).toEqual(first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(makeSecrets().demo.secret).not.toBe(first.demo.secret);
  });

  it('of an older Parley get the password of Redis that they lack, and keep all else', () => {
    const file = join(folder, 'secrets.json');
    const older = makeSecrets();
    delete older.redisPassword;
    writeFileSync(file, JSON.stringify(older));
    const completed = loadSecrets(file);
    expect(completed).toEqual({ ...older, redisPassword: expect.stringMatching(/^[0-9a-f]{36}$/) });
    expect(loadSecrets(file)).toEqual(completed);
  });

  it('hold a ticket key pair that fits and a master key of 32 bytes', () => {
    const { ticketPrivateKey, ticketPublicKey, masterKeys } = makeSecrets();
    const der = (text, type) => ({ key: Buffer.from(text, 'base64'), format: 'der', type });
    const signature = sign(null, Buffer.from('x'), createPrivateKey(der(ticketPrivateKey, 'pkcs8')));
    expect(verify(null, Buffer.from('x'), createPublicKey(der(ticketPublicKey, 'spki')), signature)).toBe(true);
    expect(Buffer.from(masterKeys.replace('k1:', ''), 'base64')).toHaveLength(32);
  });

  it('that are damaged are an error with a way out, never replaced', () => {
    const file = join(folder, 'secrets.json');
    writeFileSync(file, '{"half');
    expect(() => loadSecrets(file)).toThrow(/damaged.*--fresh/);
  });
});
