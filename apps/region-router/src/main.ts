import { runOrExit } from '@parley/config';
import { createDirectory } from '@parley/persistence';
import { readConfig } from './config';
import { startRouter } from './router';

void runOrExit(async () => {
  const config = readConfig(process.env);
  const directory = createDirectory({ url: config.DIRECTORY_DATABASE_URL ?? config.DATABASE_URL });
  await startRouter({ config, directory });
});
