import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly args?: Readonly<Record<string, string>> };
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly privileged?: boolean;
  readonly security_opt?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly deploy?: { readonly resources?: { readonly limits?: Readonly<Record<string, string | number>> } };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** Reads a compose file as `docker compose` would with these variables in its `.env`. */
export function readComposeFile(path: string, variables: Readonly<Record<string, string>>): ComposeFile {
  const raw: unknown = parse(readFileSync(path, 'utf8'), { merge: true });
  // The interface promises no more than that a field has the shape compose gives it; compose itself refuses others.
  return interpolated(raw, variables) as ComposeFile;
}

function interpolated(node: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (typeof node === 'string') return interpolate(node, variables);
  if (Array.isArray(node)) return node.map((item) => interpolated(item, variables));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, interpolated(value, variables)]));
}

const REFERENCE = /\$(?:(\$)|\{(\w+)(?:(:?[-?])([^}]*))?\}|(\w+))/g;

/**
 * Replaces `$$`, `${NAME}`, `${NAME:-standby}` and `${NAME:?complaint}`.
 * @throws Error when a variable is missing that has no stand-in
 */
export function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    REFERENCE,
    (_all, dollar?: string, braced?: string, operator?: string, rest?: string, bare?: string) => {
      if (dollar !== undefined) return '$';
      const name = braced ?? bare ?? '';
      const value = variables[name];
      if (value !== undefined && (value !== '' || operator?.startsWith(':') !== true)) return value;
      if (operator?.endsWith('-') === true) return rest ?? '';
      throw new Error(`${name} is not set${rest === undefined || rest === '' ? '' : `: ${rest}`}`);
    },
  );
}
