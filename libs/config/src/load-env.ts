import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { ConfigError } from './config-error';
import { inspectField } from './inspect';
import { knownVariables } from './known-variables.generated';

/** The environment as Node gives it. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Read-only all the way down. */
export type Frozen<Value> = Value extends (infer Item)[]
  ? readonly Frozen<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value;

export interface LoadOptions {
  /** Hears what is suspicious but no error. Default: standard error. */
  readonly warn?: (message: string) => void;
}

/**
 * Reads a service's configuration from the environment, once.
 *
 * An empty variable counts as not set. A secret may come from the file named by `<NAME>_FILE` instead. A `PARLEY_*`
 * variable that no service knows is an error in production and a warning else; what Kubernetes injects is ignored.
 *
 * @throws {ConfigError} with every problem at once, by variable name; values of secrets never appear in it
 */
export function loadEnv<Schema extends z.ZodObject>(
  schema: Schema,
  env: Env,
  options: LoadOptions = {},
): Frozen<z.infer<Schema>> {
  const shape = schema.shape as Record<string, z.ZodType>;
  const problems: string[] = [];
  const secrets: string[] = [];
  const input: Record<string, string> = {};
  for (const [name, field] of Object.entries(shape)) {
    const isSecret = inspectField(field).secret;
    const value = isSecret ? readSecret(name, env, problems) : present(env[name]);
    if (value !== undefined) input[name] = value;
    if (isSecret && value !== undefined) secrets.push(value);
  }
  // What is unusable already as a file has its message; "missing" on top would mislead.
  const explained = new Set(problems.map((problem) => problem.slice(0, problem.indexOf(':')).replace(/_FILE$/, '')));
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      if (!explained.has(String(issue.path[0]))) problems.push(explain(issue, input));
    }
  }
  const strangers = unknownVariables(shape, env);
  if (env.NODE_ENV === 'production') problems.push(...strangers);
  else strangers.forEach(options.warn ?? ((message) => process.stderr.write(`${message}\n`)));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems.map((problem) => mask(problem, secrets)));
  return deepFreeze(parsed.data) as Frozen<z.infer<Schema>>;
}

/**
 * One secret alone, from `name` or the file that `<name>_FILE` names, for tools that need no whole configuration;
 * undefined when it is not set.
 * @throws {ConfigError}
 */
export function secretFromEnv(name: string, env: Env): string | undefined {
  const problems: string[] = [];
  const value = readSecret(name, env, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return value;
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}

function readSecret(name: string, env: Env, problems: string[]): string | undefined {
  const direct = present(env[name]);
  const path = present(env[`${name}_FILE`]);
  if (path === undefined) return direct;
  if (direct !== undefined) {
    problems.push(`${name}: set either ${name} or ${name}_FILE, not both`);
    return undefined;
  }
  try {
    const content = readFileSync(path, 'utf8').trim();
    if (content === '') problems.push(`${name}_FILE: the file is empty`);
    return present(content);
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
    problems.push(`${name}_FILE: the file cannot be read (${code})`);
    return undefined;
  }
}

function explain(issue: z.core.$ZodIssue, input: Record<string, string>): string {
  const [name, ...inside] = issue.path;
  if (name === undefined) return issue.message;
  const missing = inside.length === 0 && input[String(name)] === undefined && issue.code === 'invalid_type';
  const place = inside.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return `${String(name)}${place}: ${missing ? 'is not set' : issue.message}`;
}

/** `PARLEY_API_SERVICE_HOST`, `PARLEY_API_PORT_80_TCP_ADDR` and the like, for a Kubernetes service named parley-api. */
const KUBERNETES = /(_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|_PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)$/;

function unknownVariables(shape: Record<string, z.ZodType>, env: Env): string[] {
  // The services may share one environment file, so what a sister service reads is no stranger.
  const known = new Set([...Object.keys(shape), ...knownVariables]);
  return Object.keys(env)
    .filter((name) => name.startsWith('PARLEY_') && !KUBERNETES.test(name))
    .filter((name) => !known.has(name) && !known.has(name.replace(/_FILE$/, '')))
    .sort()
    .map((name) => `${name}: no such setting; is the name misspelt?`);
}

function mask(problem: string, secrets: readonly string[]): string {
  return secrets.reduce((text, value) => (value.length < 3 ? text : text.split(value).join('***')), problem);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
