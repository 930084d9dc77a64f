export * from './join.schema';
export * from './problem.schema';
export * from './regions.schema';
export * from './admin.schema';
export * from './account-keys.schema';
export * from './webhooks.schema';
export * from './deliveries.schema';
export * from './queries.schema';
