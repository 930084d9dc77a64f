import type { RegionId } from '@parley/domain';
import { decodeEnvelope, mergeLists, type Envelope } from '@parley/protocol-xroom';
import { z } from 'zod';

/** What one region answered to a list. */
export interface ListPart {
  readonly json: unknown;
  /** It says that the caller may not, or asked wrongly. */
  readonly isRefusal: boolean;
}

/** How lists look in one of our protocols. */
export interface ListForm {
  /** Undefined for what is no answer of this protocol. */
  read(bytes: Uint8Array, status: number): ListPart | undefined;
  /** One list of several regions' that were no refusals, with the regions whose part it lacks. */
  merge(parts: readonly ListPart[], missing: readonly RegionId[]): unknown;
  /** Names of the domains that something in it belongs to. */
  domains(json: unknown): readonly string[];
  without(json: unknown, domains: ReadonlySet<string>): unknown;
}

/** `room/list`: an envelope with domains and their rooms. The manual leaves no place for more, so a header tells the rest. */
export const xroomList: ListForm = {
  read: (bytes) => {
    const envelope = decodeEnvelope(bytes);
    return envelope.ok ? { json: envelope.value, isRefusal: envelope.value.isError } : undefined;
  },
  merge: (parts) => mergeLists(parts.map(({ json }) => json as Envelope)),
  domains: (json) => Object.keys(roomsOf(json)),
  without: (json, domains) => {
    const kept = Object.entries(roomsOf(json)).filter(([domain]) => !domains.has(domain));
    return { ...(json as Envelope), data: Object.fromEntries(kept) };
  },
};

function roomsOf(json: unknown): object {
  const { data } = json as Envelope;
  return typeof data === 'object' && data !== null ? data : {};
}

const restListSchema = z.record(z.string(), z.array(z.looseObject({ domain: z.string().optional() })));
type RestList = z.infer<typeof restListSchema>;

/** A list of the REST API: an object of arrays, whose entries may name their domain. */
export const restList: ListForm = {
  read: (bytes, status) => {
    const json = jsonOf(bytes);
    if (status !== 200) return { json, isRefusal: true };
    const list = restListSchema.safeParse(json);
    return list.success ? { json: list.data, isRefusal: false } : undefined;
  },
  merge: (parts, missing) => {
    const merged: Record<string, unknown[]> = {};
    for (const { json } of parts) {
      for (const [name, entries] of Object.entries(json as RestList)) (merged[name] ??= []).push(...entries);
    }
    return missing.length === 0 ? merged : { ...merged, missingRegions: missing };
  },
  domains: (json) => Object.values(json as RestList).flatMap((entries) => entries.flatMap(({ domain = [] }) => domain)),
  without: (json, domains) =>
    Object.fromEntries(
      Object.entries(json as RestList).map(([name, entries]) => [
        name,
        entries.filter(({ domain }) => domain === undefined || !domains.has(domain)),
      ]),
    ),
};

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch {
    return undefined;
  }
}
