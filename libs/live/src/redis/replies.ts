import type { Reply } from './connection';

/** A reply that is a list; anything else is an empty one. */
export function list(reply: Reply | undefined): Reply[] {
  return Array.isArray(reply) ? reply : [];
}

export function text(reply: Reply | undefined): string {
  return typeof reply === 'string' ? reply : typeof reply === 'number' ? String(reply) : '';
}

export function texts(reply: Reply | undefined): string[] {
  return list(reply).map(text);
}

/** A flat list of pairs, as HGETALL answers inside scripts. */
export function pairs(reply: Reply | undefined): [string, string][] {
  const flat = texts(reply);
  const answer: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) answer.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return answer;
}
