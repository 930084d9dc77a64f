import type { z } from 'zod';
import { describeConfig, renderConfigTable, renderEnvExample, renderKnownVariables } from './describe-config';

const [BEGIN, END] = ['<!-- config:begin -->', '<!-- config:end -->'];

/**
 * The files that follow from the services' schemas, by path from the root of the repository.
 * @param readme the README as it is; its table between the two `config` comments is replaced
 * @throws when the README has no such place
 */
export function configFiles(schemas: Readonly<Record<string, z.ZodObject>>, readme: string): Record<string, string> {
  const rows = describeConfig(schemas);
  const services = Object.keys(schemas).length;
  return {
    '.env.example': renderEnvExample(rows, services),
    'libs/config/src/known-variables.generated.ts': renderKnownVariables(rows),
    'README.md': withTable(readme, renderConfigTable(rows, services)),
  };
}

function withTable(readme: string, table: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`README.md lacks the comments ${BEGIN} and ${END}`);
  return `${readme.slice(0, begin)}${BEGIN}\n\n${table}\n\n${readme.slice(end)}`;
}
