import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SignalingMachine } from '../src';
import { Transcript } from './transcript';

const folder = join(__dirname, 'transcripts');

describe('recorded dialogues', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  test.each(files)('%s', (file) => {
    new Transcript(new SignalingMachine({ version: '9.9.9' })).play(join(folder, file));
  });
});
