import type { z } from 'zod';
import { inspectField, type FieldFacts } from './inspect';

/** One variable with the services that read it. */
export interface ConfigRow extends FieldFacts {
  readonly name: string;
  readonly services: readonly string[];
}

/** Merges the schemas of all services into one row per variable, in the order they first appear. */
export function describeConfig(services: Readonly<Record<string, z.ZodObject>>): ConfigRow[] {
  const rows = new Map<string, ConfigRow>();
  for (const [service, schema] of Object.entries(services)) {
    for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
      const known = rows.get(name);
      if (known === undefined) rows.set(name, { name, services: [service], ...inspectField(field) });
      else rows.set(name, { ...known, services: [...known.services, service] });
    }
  }
  return [...rows.values()];
}

/** The README's table. */
export function renderConfigTable(rows: readonly ConfigRow[], serviceCount: number): string {
  const lines = rows.map((row) => {
    const services = row.services.length === serviceCount ? 'all' : row.services.join(', ');
    const standIn = row.defaultText === undefined ? (row.optional ? '' : '**required**') : `\`${row.defaultText}\``;
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
  const names = rows.map((row) => `  '${row.name}',\n`).join('');
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
