export * from './fields';
export * from './common.schema';
export * from './regions.schema';
export * from './config-error';
export * from './load-env';
export * from './describe-config';
export * from './config-files';
