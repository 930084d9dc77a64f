import { runOrExit } from '@parley/config';
import { startSignaling } from './app';
import { loadConfig } from './config';

void runOrExit(() => startSignaling(loadConfig(process.env)));
