import { isIP } from 'node:net';
import { z } from 'zod';

/** Marks a variable as secret: masked in messages and tables, and readable from the file named by `<NAME>_FILE`. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema;
export function secret(): z.ZodString;
export function secret(schema: z.ZodType = z.string().min(1)): z.ZodType {
  return schema.meta({ ...schema.meta(), secret: true });
}

/** An absolute URL with one of the given schemes, without the trailing slash. */
export function url(...schemes: readonly string[]) {
  const allowed = schemes.length > 0 ? schemes : ['http', 'https'];
  return z
    .string()
    .refine((value) => URL.canParse(value) && allowed.includes(new URL(value).protocol.slice(0, -1)), {
      error: `expected a URL starting with ${allowed.map((scheme) => `${scheme}://`).join(' or ')}`,
    })
    .transform((value) => value.replace(/\/+$/, ''));
}

/** A TCP port; 0 lets the system choose one. */
export function port() {
  return integer(0, 65_535);
}

/** A whole number between two bounds, both included. */
export function integer(min: number, max: number) {
  return z
    .string()
    .trim()
    .regex(/^-?\d{1,15}$/, 'expected a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `expected a whole number from ${min} to ${max}` });
}

/** `true`/`false`, also written as 1/0 or yes/no. */
export function flag() {
  return z
    .string()
    .regex(/^(true|false|1|0|yes|no)$/i, 'expected true or false')
    .transform((value) => /^(true|1|yes)$/i.test(value));
}

/** JSON text holding what `schema` describes. The text itself never appears in a message. */
export function json<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'expected JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** Comma-separated values, trimmed, empty ones dropped; each one is checked by `item`. */
export function csv<Item extends z.ZodType<unknown, string>>(item: Item) {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));
}

/** An address or an address range in CIDR notation. */
export function cidr() {
  return z.string().refine(isRange, { error: 'expected an IP address or a range like 10.0.0.0/8' });
}

/** An address, an address range in CIDR notation, or a host name. */
export function receiver() {
  return z
    .string()
    .refine((value) => isRange(value) || /^(?=.*[a-z])[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(value), {
      error: 'expected an IP address, a range like 10.0.0.0/8 or a host name',
    });
}

function isRange(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
