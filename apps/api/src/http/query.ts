import type { z } from 'zod';
import { InvalidInput } from './problems';

/**
 * Reads a query with a schema of ours.
 * @throws InvalidInput saying what is wrong where; never repeats what was sent
 */
export function readQuery<Schema extends z.ZodType>(query: unknown, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  throw new InvalidInput('The query does not have the expected form.', issues);
}
