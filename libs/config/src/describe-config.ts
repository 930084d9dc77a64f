import type { z } from 'zod';
import { inspectField, type FieldFacts } from './inspect';

/** One variable with the services that read it. */
export interface ConfigRow extends FieldFacts {
  readonly name: string;
  readonly services: readonly string[];
}

/**
 * Merges the schemas of all services into one row per variable, in the order they first appear. A variable that means
 * something else to another service has a second row.
 */
export function describeConfig(services: Readonly<Record<string, z.ZodObject>>): ConfigRow[] {
  const rows = new Map<string, ConfigRow>();
  for (const [service, schema] of Object.entries(services)) {
    for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
      const facts = inspectField(field);
      const key = JSON.stringify([name, facts]);
      const services = [...(rows.get(key)?.services ?? []), service];
      rows.set(key, { name, services, ...facts });
    }
  }
  return [...rows.values()];
}

/** The README's table. */
export function renderConfigTable(rows: readonly ConfigRow[], serviceCount: number): string {
  const lines = rows.map((row) => {
    const services = row.services.length === serviceCount ? 'all' : row.services.join(', ');
    const none = row.optional ? '' : '**required**';
    const standIn = (row.defaultText ?? '') === '' ? none : `\`${row.defaultText}\``;
    const secretMark = row.secret ? ` Secret, also as \`${row.name}_FILE\`.` : '';
    return `| \`${row.name}\` | ${services} | ${standIn} | ${row.description.replaceAll('|', '\\|')}.${secretMark} |`;
  });
  return ['| variable | read by | default | meaning |', '|---|---|---|---|', ...lines].join('\n');
}

/** `.env.example`: required variables stand empty, the others commented out with their default. */
export function renderEnvExample(rows: readonly ConfigRow[], serviceCount: number): string {
  const blocks = rows.map((row) => {
    const readers = row.services.length === serviceCount ? '' : ` (${row.services.join(', ')})`;
    const comment = `# ${row.description}.${readers}${row.secret ? ` Secret: ${row.name}_FILE works too.` : ''}`;
    return `${comment}\n${row.optional ? '# ' : ''}${row.name}=${row.defaultText ?? ''}`;
  });
  return `# Every setting of Parley's services. Written by tools/config-doc.mjs; do not edit.\n\n${blocks.join('\n\n')}\n`;
}

/** The source of `known-variables.generated.ts`. */
export function renderKnownVariables(rows: readonly ConfigRow[]): string {
  const names = [...new Set(rows.map(({ name }) => name))].map((name) => `  '${name}',\n`).join('');
  return `/** Every variable some service reads. Written by tools/config-doc.mjs; do not edit. */\nexport const knownVariables: readonly string[] = [\n${names}];\n`;
}

/** The configuration with secrets masked, for a log line at start. */
export function withoutSecrets(schema: z.ZodObject, config: object): Record<string, unknown> {
  const shape = schema.shape as Record<string, z.ZodType>;
  return Object.fromEntries(
    Object.entries(config).map(([name, value]): [string, unknown] => {
      const field = shape[name];
      return [name, value !== undefined && field !== undefined && inspectField(field).secret ? '***' : value];
    }),
  );
}
