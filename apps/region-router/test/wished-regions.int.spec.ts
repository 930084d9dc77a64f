import { regionsAnswerSchema } from '@parley/contracts';
import { eventually } from '@parley/testing';
import { startTwoRegions, type TwoRegions } from './two-regions';

let regions: TwoRegions;
beforeAll(async () => {
  regions = await startTwoRegions();
  // The first one that started found the other one away, and those that are away come last.
  await eventually(async () => (await listed('')).every(({ status }) => status === 'up'), 'both regions to be up');
});
afterAll(() => regions?.close());

async function listed(query: string) {
  const answer = await fetch(`${regions.eu.url}/v1/regions${query}`);
  expect(answer.status).toBe(200);
  return regionsAnswerSchema.parse(await answer.json());
}

async function told(query: string): Promise<string> {
  return (await listed(query)).map(({ id }) => id).join(' ');
}

it.each([
  ['', 'eu-1 us-1'],
  ['?measured=eu-1:80,us-1:20', 'us-1 eu-1'],
  ['?measured=eu-1:20,us-1:80', 'eu-1 us-1'],
  // One that was measured comes before one nobody knows anything of.
  ['?measured=us-1:300', 'us-1 eu-1'],
  ['?asked=us-1&measured=eu-1:20,us-1:80', 'us-1 eu-1'],
  ['?asked=mars-1,us-1', 'us-1 eu-1'],
  // Nobody is left without a list for a query that cannot be read.
  ['?measured=fast&asked=', 'eu-1 us-1'],
  [`?measured=${'x'.repeat(4_000)}`, 'eu-1 us-1'],
  ['?measured=us-1:1&measured=us-1:2', 'eu-1 us-1'],
])('GET /v1/regions%s: %s', async (query, order) => {
  expect(await told(query)).toBe(order);
});
