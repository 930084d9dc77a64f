/**
 * Makes the secrets of a new deployment: `node tools/deployment/make-secrets.mjs [FILE]`, by default `.env` for
 * docker compose. The same file feeds the Kubernetes dev overlay (`k8s/overlays/dev/secrets.env`).
 *
 * The file is readable by its owner alone. An existing file is never overwritten: with a new master key nothing that
 * was sealed with the old one could be opened again.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const secret = () => randomBytes(32).toString('hex');

/** Fresh secrets by variable name. PostgreSQL and Redis are those of the compose file and of the dev overlay. */
export function makeSecrets() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const postgresPassword = secret();
  const redisPassword = secret();
  return {
    POSTGRES_PASSWORD: postgresPassword,
    DATABASE_URL: `postgresql://parley:${postgresPassword}@postgres:5432/parley`,
    REDIS_PASSWORD: redisPassword,
    REDIS_URL: `redis://:${redisPassword}@redis:6379`,
    PARLEY_MASTER_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    PARLEY_INTERNAL_SECRET: secret(),
    PARLEY_TICKET_PRIVATE_KEY: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    PARLEY_TICKET_PUBLIC_KEYS: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    PARLEY_ADMIN_BOOTSTRAP_KEY: secret(),
  };
}

/** Writes fresh secrets to a new file. Rejects with `EEXIST` when there is one already. */
export async function writeSecrets(path) {
  const lines = Object.entries(makeSecrets()).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(
    path,
    `# Made by tools/deployment/make-secrets.mjs. Keep a copy in a safe place.\n${lines.join('')}`,
    {
      flag: 'wx',
      mode: 0o600,
    },
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = process.argv[2] ?? '.env';
  try {
    await writeSecrets(path);
    console.log(`Wrote ${path}. It is readable by you alone; do not commit it.`);
  } catch (error) {
    console.error(
      error.code === 'EEXIST'
        ? `${path} exists and was left alone: data sealed with its keys would be lost with new ones.`
        : `${path} cannot be written: ${error.message}`,
    );
    process.exitCode = 1;
  }
}
