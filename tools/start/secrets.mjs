import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SetupFailure } from '../setup-failure.mjs';
import { writePrivateFile } from './private-file.mjs';

/** Everything secret of one `.parley` folder, made once and kept: what is sealed must stay readable. */
export function makeSecrets() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    masterKeys: `k1:${randomBytes(32).toString('base64')}`,
    ticketPrivateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    ticketPublicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    internalSecret: randomBytes(32).toString('hex'),
    adminKey: randomBytes(24).toString('base64url'),
    postgresPassword: randomBytes(18).toString('hex'),
    redisPassword: randomBytes(18).toString('hex'),
    demo: {
      authId: 'demo',
      secret: randomBytes(24).toString('hex'),
      domain: 'demo.localhost',
      webhookKey: randomBytes(32).toString('hex'),
    },
  };
}

/** Reads the secrets of this folder, made on the first call. One made by an older Parley gets what it lacks. */
export function loadSecrets(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    const secrets = makeSecrets();
    writePrivateFile(file, secrets);
    return secrets;
  }
  const kept = parse(text, file);
  if (kept.redisPassword !== undefined) return kept;
  const complete = { ...kept, redisPassword: makeSecrets().redisPassword };
  writePrivateFile(file, complete);
  return complete;
}

function parse(text, file) {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SetupFailure(`${file} is damaged: restore it, or start with --fresh, which forgets all data`, { cause });
  }
}
