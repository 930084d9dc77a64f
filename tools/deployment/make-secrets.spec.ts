import { createPrivateKey, createPublicKey } from 'node:crypto';
import { statSync } from 'node:fs';
import { makeSecretsFile, readEnvironmentFile } from './secrets-file';

describe('make-secrets.mjs', () => {
  const { path, values } = makeSecretsFile();
  const { values: others } = makeSecretsFile();

  it('writes a file that only its owner reads', () => expect(statSync(path).mode & 0o777).toBe(0o600));

  it('makes every secret anew', () => {
    expect(Object.keys(others)).toEqual(Object.keys(values));
    for (const [name, value] of Object.entries(values))
      expect({ name, same: others[name] === value }).toEqual({ name, same: false });
  });

  it('makes a ticket key pair', () => {
    const der = (name: string) => Buffer.from(values[name] ?? '', 'base64');
    const privateKey = createPrivateKey({ key: der('PARLEY_TICKET_PRIVATE_KEY'), format: 'der', type: 'pkcs8' });
    expect(privateKey.asymmetricKeyType).toBe('ed25519');
    const publicHalf = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    expect(der('PARLEY_TICKET_PUBLIC_KEYS')).toEqual(publicHalf);
  });

  it('never overwrites', () => {
    expect(() => makeSecretsFile(path)).toThrow(/exists and was left alone/);
    expect(readEnvironmentFile(path)).toEqual(values);
  });
});
