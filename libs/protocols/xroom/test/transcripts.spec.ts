import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRequest, isCollection, toDomain } from '../src';

/** Reads `calls.txt` into its dialogues. */
function transcripts(): { title: string; collection: string; body: string; expected: string }[] {
  const text = readFileSync(join(__dirname, 'transcripts', 'calls.txt'), 'utf8');
  return text
    .split('\n\n')
    .map((block) => block.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
    .filter((lines) => lines.length > 0)
    .map(([sent = '', expected = '']) => {
      const [collection = '', body = ''] = sent.split(/ > (.*)/s);
      return { title: sent, collection, body, expected };
    });
}

describe('calls as the transcript has them', () => {
  it.each(transcripts())('$title', ({ collection, body, expected }) => {
    if (!isCollection(collection)) throw new Error(`The transcript names an unknown collection: ${collection}`);
    const request = decodeRequest(collection, Buffer.from(body));
    const command = request.ok ? toDomain(request.value) : request;
    const got = command.ok ? `= ${JSON.stringify(command.value)}` : `! ${command.error.code} ${command.error.message}`;
    expect(got).toBe(expected);
  });
});
