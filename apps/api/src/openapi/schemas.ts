import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Collects the schemas that have an id under `components/schemas` and refers to them from everywhere else. */
export class SchemaBook {
  private readonly named = new Map<string, JsonSchema>();

  /** @param io `input` for what callers send, `output` for what we answer */
  refer(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema: _dialect, id, $defs, ...body } = z.toJSONSchema(schema, { io, reused: 'inline' }) as JsonSchema;
    for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) {
      const { id: _id, ...plain } = definition;
      this.named.set(name, toComponents(plain));
    }
    if (typeof id !== 'string') return toComponents(body);
    this.named.set(id, toComponents(body));
    return { $ref: `#/components/schemas/${id}` };
  }

  /** All named schemas, by name. */
  components(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.named].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}

/** zod refers to `#/$defs/X`; in an OpenAPI document those stand elsewhere. */
function toComponents(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/$defs/', '#/components/schemas/')) as JsonSchema;
}
