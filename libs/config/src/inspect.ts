import type { z } from 'zod';

/** Facts about one variable, found however deep the schema wraps them. */
export interface FieldFacts {
  readonly secret: boolean;
  readonly description: string;
  readonly optional: boolean;
  /** As it would be written in the environment. */
  readonly defaultText: string | undefined;
}

interface Wrapping {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly defaultValue?: unknown;
}

/** The schemas a schema wraps, itself first: optional, default and pipe hide what was said further inside. */
function layers(schema: z.ZodType): z.ZodType[] {
  const wrapping = schema.def as Wrapping;
  const inner = [wrapping.innerType, wrapping.in, wrapping.out].filter((layer) => layer !== undefined);
  return [schema, ...inner.flatMap(layers)];
}

/** Reads what a field says about itself. */
export function inspectField(schema: z.ZodType): FieldFacts {
  const all = layers(schema);
  const standIn = all
    .map((layer) => layer.def as Wrapping)
    .find((wrapping) => wrapping.type === 'default' || wrapping.type === 'prefault');
  return {
    secret: all.some((layer) => layer.meta()?.secret === true),
    description: all.map((layer) => layer.description).find((text) => text !== undefined) ?? '',
    optional: standIn !== undefined || all.some((layer) => (layer.def as Wrapping).type === 'optional'),
    defaultText: standIn === undefined ? undefined : asText(standIn.defaultValue),
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
