/** One field of `.parley/run.json`, for the README's shell functions: `node tools/field.mjs account.secret`. */
import { readRunFile, stop } from './running.mjs';

const [path = ''] = process.argv.slice(2);
let value = await readRunFile();
for (const name of path.split('.')) value = value?.[name];
if (value === undefined) stop(`.parley/run.json has no field "${path}".`);
console.log(typeof value === 'string' ? value : JSON.stringify(value));
