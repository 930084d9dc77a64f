import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { z } from 'zod';
import {
  commonSchema,
  ConfigError,
  csv,
  flag,
  json,
  loadEnv,
  port,
  runOrExit,
  secret,
  secretFromEnv,
  url,
} from './index';

const schema = z.object({
  PORT: port().default(8080).describe('port'),
  TOKEN: secret(z.string().min(8)).describe('token'),
  TABLE: json(z.array(z.object({ id: z.string() }))).default([]),
  NAMES: csv(z.string()).prefault('a,b'),
  LINK: url().optional(),
  ON: flag().default(false),
});

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadEnv(schema, env, { warn: () => undefined });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('loadEnv', () => {
  it('reads values, defaults and lists, and freezes all of it', () => {
    const config = loadEnv(schema, {
      TOKEN: '12345678',
      PORT: '0',
      TABLE: '[{"id":"x"}]',
      LINK: 'http://a/',
      ON: 'yes',
    });
    expect(config).toEqual({
      PORT: 0,
      TOKEN: '12345678',
      TABLE: [{ id: 'x' }],
      NAMES: ['a', 'b'],
      LINK: 'http://a',
      ON: true,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.TABLE[0])).toBe(true);
  });

  it('tells every problem at once, by name', () => {
    expect(problemsOf({ PORT: '70000', TABLE: '[{"id":1}]', LINK: 'ftp://x' })).toEqual([
      'PORT: expected a whole number from 0 to 65535',
      'TOKEN: is not set',
      expect.stringMatching(/^TABLE\[0\]\.id: /),
      'LINK: expected a URL starting with http:// or https://',
    ]);
  });

  it('takes an empty variable as not set', () => {
    expect(problemsOf({ TOKEN: '  ' })).toEqual(['TOKEN: is not set']);
  });

  it('never shows a secret, not even in a message that quotes the input', () => {
    const quoting = z.object({ KEY: secret(z.string().superRefine((v, c) => c.addIssue(`bad key ${v}`))) });
    expect(() => loadEnv(quoting, { KEY: 'hunter22' })).toThrow('KEY: bad key ***');
  });

  it('masks whatever the secret is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9]{3,7}$/), (value) => {
        const text = problemsOf({ TOKEN: `Zq${value}` }).join('\n');
        return !text.includes(`Zq${value}`);
      }),
    );
  });

  it('throws nothing but ConfigError for any text', () => {
    fc.assert(
      fc.property(
        fc.record({ PORT: fc.string(), TOKEN: fc.string(), TABLE: fc.string(), NAMES: fc.string() }),
        (env) => {
          problemsOf(env);
        },
      ),
    );
  });
});

describe('secrets from files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-config-'));
  const file = join(folder, 'token');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads the file without its last line break', () => {
    writeFileSync(file, 'from-a-file\n');
    expect(loadEnv(schema, { TOKEN_FILE: file }).TOKEN).toBe('from-a-file');
    expect(secretFromEnv('TOKEN', { TOKEN_FILE: file })).toBe('from-a-file');
    expect(secretFromEnv('TOKEN', {})).toBeUndefined();
    expect(() => secretFromEnv('TOKEN', { TOKEN: 'x', TOKEN_FILE: file })).toThrow(ConfigError);
  });

  it('refuses both at once, an unreadable file and an empty one', () => {
    expect(problemsOf({ TOKEN: '12345678', TOKEN_FILE: file })).toEqual([
      'TOKEN: set either TOKEN or TOKEN_FILE, not both',
    ]);
    expect(problemsOf({ TOKEN_FILE: join(folder, 'none') })).toEqual(['TOKEN_FILE: the file cannot be read (ENOENT)']);
    writeFileSync(file, '\n');
    expect(problemsOf({ TOKEN_FILE: file })).toEqual(['TOKEN_FILE: the file is empty']);
  });
});

describe('unknown variables', () => {
  const env = {
    TOKEN: '12345678',
    PARLEY_REGOIN: 'eu-1',
    PARLEY_API_SERVICE_HOST: '10.0.0.1',
    PARLEY_API_PORT_80_TCP_ADDR: 'x',
  };

  it('warns of a misspelt name', () => {
    const warnings: string[] = [];
    loadEnv(schema, env, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual(['PARLEY_REGOIN: no such setting; is the name misspelt?']);
  });

  it('refuses it in production', () => {
    expect(problemsOf({ ...env, NODE_ENV: 'production' })).toEqual([
      'PARLEY_REGOIN: no such setting; is the name misspelt?',
    ]);
  });
});

describe('commonSchema', () => {
  const key = `k1:${Buffer.alloc(32).toString('base64')}`;
  const env = {
    PARLEY_REGION: 'eu-1',
    PARLEY_REGION_NUMBER: '1',
    DATABASE_URL: 'postgresql://u:p@localhost/db',
    REDIS_URL: 'redis://a:1,redis://b:2',
    PARLEY_MASTER_KEYS: key,
    PARLEY_INTERNAL_SECRET: 'x'.repeat(32),
    PUBLIC_URL: 'http://127.0.0.1:8080/',
  };

  it('reads what every service needs', () => {
    const config = loadEnv(z.object(commonSchema), env);
    expect(config).toMatchObject({
      PARLEY_REGION_NUMBER: 1,
      REDIS_URL: env.REDIS_URL,
      PARLEY_MASTER_KEYS: key,
      PORT: 8080,
    });
    expect(config.PUBLIC_URL).toBe('http://127.0.0.1:8080');
    expect(config.TRUSTED_PROXIES).toContain('10.0.0.0/8');
  });

  it('keeps passwords of URLs out of messages', () => {
    const text = () =>
      loadEnv(z.object(commonSchema), {
        ...env,
        DATABASE_URL: 'mysql://u:hunter2@h/db',
        PARLEY_MASTER_KEYS: 'k:short',
      });
    expect(text).toThrow(
      /DATABASE_URL: expected a URL starting with postgresql:\/\/[\s\S]*PARLEY_MASTER_KEYS\[0\]: expected <id>/,
    );
    expect(text).not.toThrow(/hunter2/);
  });
});

describe('runOrExit', () => {
  it.each([
    ['78 for the configuration', new ConfigError(['PORT: is not set']), 78],
    ['1 for anything else', new Error('boom'), 1],
  ])('exits with %s', async (_name, error, code) => {
    const seen: unknown[] = [];
    await runOrExit(() => Promise.reject(error), {
      write: (text) => seen.push(text),
      exit: (status) => seen.push(status),
    });
    expect(seen).toEqual([expect.stringContaining(code === 78 ? 'PORT: is not set' : 'boom'), code]);
  });
});
