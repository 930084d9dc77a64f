import { createRequire } from 'node:module';

/** Makes the demo account and domain, which are at home in the first region, and the operator's key. */
export async function seed(regions, servers, secrets) {
  const { seedDemo } = createRequire(import.meta.url)('@parley/persistence');
  const [region] = regions;
  const [{ databaseUrl, directoryUrl }] = servers;
  const { masterKeys, demo, adminKey } = secrets;
  await seedDemo({ databaseUrl, directoryUrl, region, masterKeys, demo, adminKey });
}
