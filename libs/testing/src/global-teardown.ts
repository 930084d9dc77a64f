export { tearDownRun as default } from './global-setup';
